"""Sends one byte at a time.

    odd_atm_client_bytewise.py --card 123456789 withdraw 500
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client
import framing


def send(connection, text, wire):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in framing.encode(text, wire):
        connection.sendall(bytes([byte]))


atm_client.send = send

if __name__ == "__main__":
    atm_client.main()
