"""Takes what one recv returns for the whole echo.

    echo_client_one_recv.py "Hello, world"
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_client


def over_tcp(server, data):
    with echo_client.connect(server, timeout=10) as connection:
        connection.sendall(data)
        return connection.recv(65_536)


echo_client.over_tcp = over_tcp

if __name__ == "__main__":
    echo_client.main()
