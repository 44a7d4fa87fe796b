"""Sends one byte at a time.

    odd_atm_server_bytewise.py --port 9005 --ledger bank.db
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server
import framing


def send(connection, text, wire):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in framing.encode(text, wire):
        connection.sendall(bytes([byte]))


atm_server.send = send

if __name__ == "__main__":
    atm_server.main()
