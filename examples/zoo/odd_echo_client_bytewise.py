"""Sends one byte at a time.

    odd_echo_client_bytewise.py "Hello, world"
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_client


def over_tcp(server, data):
    echoed = b""
    with echo_client.connect(server, timeout=10) as connection:
        for byte in data:
            connection.sendall(bytes([byte]))
            echoed += connection.recv(1)
        connection.shutdown(socket.SHUT_WR)
        return echoed + connection.recv(1)


echo_client.over_tcp = over_tcp

if __name__ == "__main__":
    echo_client.main()
