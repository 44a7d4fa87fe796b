"""Sends one byte at a time.

    odd_calc_client_bytewise.py --name Adarsh "12 + 42"
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_client
import framing


def send(connection, text, wire):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in framing.encode(text, wire):
        connection.sendall(bytes([byte]))


calc_client.send = send

if __name__ == "__main__":
    calc_client.main()
