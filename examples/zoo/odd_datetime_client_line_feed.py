"""Ends its requests with a line feed.

    odd_datetime_client_line_feed.py watch --count 5
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_client


class Line:
    """A socket that sends lines."""

    def __init__(self, connection):
        self.connection = connection

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def send(self, data):
        self.connection.send(data + b"\r\n")


def ask(connection, request):
    return correct(Line(connection), request)


correct, datetime_client.ask = datetime_client.ask, ask

if __name__ == "__main__":
    datetime_client.main()
