"""Greets, as the services with `READY` do.

    echo_server_says_ready.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


def serve_tcp(connection):
    try:
        connection.sendall(b"12:READY echo 1,")
    except OSError:
        pass  # the client has gone
    correct(connection)


correct, echo_server.serve_tcp = echo_server.serve_tcp, serve_tcp

if __name__ == "__main__":
    echo_server.main()
