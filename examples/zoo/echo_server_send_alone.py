"""Sends with send, which may take only a part.

    echo_server_send_alone.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


class Once:
    """A connection that is written to once."""

    def __init__(self, connection):
        self.connection = connection

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def sendall(self, data):
        self.connection.send(data)


def serve_tcp(connection):
    correct(Once(connection))


correct, echo_server.serve_tcp = echo_server.serve_tcp, serve_tcp

if __name__ == "__main__":
    echo_server.main()
