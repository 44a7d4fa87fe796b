"""Waits for a line feed before it echoes.

    echo_server_waits_for_newline.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


def serve_tcp(connection):
    with connection, connection.makefile("rb") as lines:
        try:
            for line in lines:
                connection.sendall(line)
        except OSError:
            pass  # the client has gone


echo_server.serve_tcp = serve_tcp

if __name__ == "__main__":
    echo_server.main()
