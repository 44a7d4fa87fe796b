"""A reset of one connection ends the server.

    echo_server_reset_kills.py --port 9009
"""

import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


def serve_tcp(connection):
    try:
        with connection:
            while data := connection.recv(echo_server.PIECE):
                connection.sendall(data)
    except ConnectionError as error:
        print(error, file=sys.stderr)
        os._exit(1)


echo_server.serve_tcp = serve_tcp

if __name__ == "__main__":
    echo_server.main()
