"""Sends its datagram once.

    echo_client_udp_no_retry.py --udp "Hello, world"
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_client


class Once(socket.socket):
    """A socket that sends once."""

    is_used = False

    def send(self, data):
        if not self.is_used:
            super().send(data)
        self.is_used = True


echo_client.socket.socket = Once

if __name__ == "__main__":
    echo_client.main()
