"""Echoes each piece before it reads the next.

    echo_server_deadlocks.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


def serve_tcp(connection):
    try:
        with connection:
            while data := connection.recv(echo_server.PIECE):
                connection.sendall(data)
    except OSError:
        pass  # the client has gone


echo_server.serve_tcp = serve_tcp

if __name__ == "__main__":
    echo_server.main()
