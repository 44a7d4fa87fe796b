"""Echoes what the first recv returns, and closes.

    echo_server_reads_once.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


def serve_tcp(connection):
    try:
        with connection:
            connection.sendall(connection.recv(1024))
    except OSError:
        pass  # the client has gone


echo_server.serve_tcp = serve_tcp

if __name__ == "__main__":
    echo_server.main()
