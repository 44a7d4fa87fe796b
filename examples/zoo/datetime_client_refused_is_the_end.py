"""Ends when nobody listens.

    datetime_client_refused_is_the_end.py watch --count 5
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_client


def ask(connection, request):
    return correct(Impatient(connection), request)


class Impatient:
    """A socket whose errors end the client."""

    def __init__(self, connection):
        self.connection = connection

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def send(self, data):
        try:
            self.connection.send(data)
        except ConnectionRefusedError:
            sys.exit("nobody listens")

    def recv(self, count):
        try:
            return self.connection.recv(count)
        except ConnectionRefusedError:
            sys.exit("nobody listens")


correct, datetime_client.ask = datetime_client.ask, ask

if __name__ == "__main__":
    datetime_client.main()
