"""Does not look who an answer comes from.

    datetime_client_any_source.py watch --count 5
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_client


class AnySource:
    """A socket that is not connected: everybody's datagrams arrive."""

    def __init__(self, connection):
        self.server = connection.getpeername()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    def __getattr__(self, name):
        return getattr(self.socket, name)

    def send(self, data):
        return self.socket.sendto(data, self.server)


def ask(connection, request):
    return correct(AnySource(connection), request)


correct, datetime_client.ask = datetime_client.ask, ask

if __name__ == "__main__":
    datetime_client.main()
