"""Sends its request once.

    datetime_client_no_retry.py watch --count 5
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_client


class Once:
    """A socket that sends once."""

    def __init__(self, connection):
        self.connection, self.is_sent = connection, False

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def send(self, data):
        if not self.is_sent:
            self.connection.send(data)
        self.is_sent = True


def ask(connection, request):
    return correct(Once(connection), request)


correct, datetime_client.ask = datetime_client.ask, ask

if __name__ == "__main__":
    datetime_client.main()
