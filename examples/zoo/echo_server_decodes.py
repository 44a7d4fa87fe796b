"""Decodes what it echoes.

    echo_server_decodes.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


class Text:
    """A connection that carries text."""

    def __init__(self, connection):
        self.connection = connection

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def recv(self, count):
        return self.connection.recv(count).decode(errors="replace").encode()


def serve_tcp(connection):
    correct(Text(connection))


correct, echo_server.serve_tcp = echo_server.serve_tcp, serve_tcp

if __name__ == "__main__":
    echo_server.main()
