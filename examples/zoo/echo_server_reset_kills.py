"""A reset of one connection ends the server.

    echo_server_reset_kills.py --port 9009
"""

import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


class Fatal:
    """A connection whose reset ends the program."""

    def __init__(self, connection):
        self.connection = connection

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def recv(self, count):
        return unless_reset(self.connection.recv, count)

    def sendall(self, data):
        return unless_reset(self.connection.sendall, data)


def unless_reset(operation, argument):
    try:
        return operation(argument)
    except ConnectionError as error:
        print(error, file=sys.stderr)
        os._exit(1)


def serve_tcp(connection):
    correct(Fatal(connection))


correct, echo_server.serve_tcp = echo_server.serve_tcp, serve_tcp

if __name__ == "__main__":
    echo_server.main()
