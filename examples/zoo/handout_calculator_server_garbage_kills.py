"""Ends at bytes that are not UTF-8.

    handout_calculator_server_garbage_kills.py server --port 9007
"""

import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import calculator
import program


def server(connection, options):
    try:
        calculator.server(Strict(connection), options)
    except UnicodeDecodeError as error:
        print(error, file=sys.stderr)
        os._exit(1)


class Strict:
    """A connection that carries text, and nothing else."""

    def __init__(self, connection):
        self.connection = connection

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def recv(self, count):
        data = self.connection.recv(count)
        data.decode()
        return data


if __name__ == "__main__":
    program.main("calculator", 9007, calculator.client, server)
