"""Leaves the end of the connection to the server.

    echo_client_never_half_closes.py "Hello, world"
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_client


def over_tcp(server, data):
    with echo_client.connect(server, timeout=10) as connection:
        connection.sendall(data)
        echoed = b""
        connection.settimeout(None)
        while piece := connection.recv(65_536):
            echoed += piece
        return echoed


echo_client.over_tcp = over_tcp

if __name__ == "__main__":
    echo_client.main()
