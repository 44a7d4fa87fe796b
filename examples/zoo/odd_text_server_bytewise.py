"""Sends one byte at a time.

    odd_text_server_bytewise.py --port 9006
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def send(connection, text, wire):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in framing.encode(text, wire):
        connection.sendall(bytes([byte]))


text_server.send = send

if __name__ == "__main__":
    text_server.main()
