"""Sends one byte at a time.

    odd_chat_server_bytewise.py --port 9008
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server
import framing


def send(connection, text, wire):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in framing.encode(text, wire):
        connection.sendall(bytes([byte]))


chat_server.send = send

if __name__ == "__main__":
    chat_server.main()
