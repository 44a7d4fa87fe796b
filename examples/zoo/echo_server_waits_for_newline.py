"""Waits for a line feed before it echoes.

    echo_server_waits_for_newline.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


class Lines:
    """A connection that is read line by line."""

    def __init__(self, connection):
        self.connection, self.reader = connection, connection.makefile("rb")

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def recv(self, _count):
        return self.reader.readline()


def serve_tcp(connection):
    correct(Lines(connection))


correct, echo_server.serve_tcp = echo_server.serve_tcp, serve_tcp

if __name__ == "__main__":
    echo_server.main()
