"""Sends its request as it was typed.

    datetime_client_lower_case.py watch --count 5
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_client


class LowerCase(socket.socket):
    """A socket that sends small letters."""

    def send(self, data):
        super().send(data.lower())


datetime_client.socket.socket = LowerCase

if __name__ == "__main__":
    datetime_client.main()
