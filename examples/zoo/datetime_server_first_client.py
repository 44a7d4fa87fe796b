"""Answers everybody at the address of the client that came first.

    datetime_server_first_client.py --port 9010
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


class Service(socket.socket):
    """The UDP socket of the service."""

    first = None

    def sendto(self, data, sender):
        Service.first = Service.first or sender
        super().sendto(data, Service.first)


datetime_server.socket.socket = Service

if __name__ == "__main__":
    datetime_server.main()
