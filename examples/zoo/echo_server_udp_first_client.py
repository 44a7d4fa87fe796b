"""Returns every datagram to the client that came first.

    echo_server_udp_first_client.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


class Service:
    """The UDP socket of the service."""

    def __init__(self, service):
        self.service, self.first = service, None

    def __getattr__(self, name):
        return getattr(self.service, name)

    def sendto(self, datagram, sender):
        self.first = self.first or sender
        self.service.sendto(datagram, self.first)


def serve_udp(service):
    correct(Service(service))


correct, echo_server.serve_udp = echo_server.serve_udp, serve_udp

if __name__ == "__main__":
    echo_server.main()
