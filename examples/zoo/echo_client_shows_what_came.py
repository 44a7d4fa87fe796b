"""Shows what came back, whatever it is.

    echo_client_shows_what_came.py "Hello, world"
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_client


def over_tcp(server, data):
    with echo_client.connect(server, timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as reader:
            print(reader.read().decode(errors="replace"))
    sys.exit()


echo_client.over_tcp = over_tcp

if __name__ == "__main__":
    echo_client.main()
