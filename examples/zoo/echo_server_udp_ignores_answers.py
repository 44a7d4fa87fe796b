"""Does not return a datagram that begins like an answer.

    echo_server_udp_ignores_answers.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


class Service:
    """The UDP socket of the service."""

    def __init__(self, service):
        self.service = service

    def __getattr__(self, name):
        return getattr(self.service, name)

    def sendto(self, datagram, sender):
        if datagram.split(b" ")[0] not in (b"OK", b"ERR", b"READY", b"EVENT"):
            self.service.sendto(datagram, sender)


def serve_udp(service):
    correct(Service(service))


correct, echo_server.serve_udp = echo_server.serve_udp, serve_udp

if __name__ == "__main__":
    echo_server.main()
