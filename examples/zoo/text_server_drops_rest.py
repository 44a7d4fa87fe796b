"""Throws away what the same recv returned after the end of a message.

    text_server_drops_rest.py --port 9006
"""

import io
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


class Incomplete(Exception):
    """The message goes on."""


class Received(io.BytesIO):
    """What has been received so far."""

    def read(self, count):
        data = super().read(count)
        if len(data) < count:
            raise Incomplete
        return data

    def readline(self, limit):
        line = super().readline(limit)
        if not line.endswith(b"\n") and len(line) < limit:
            raise Incomplete
        return line


def receive(reader, wire, errors="strict"):
    data = b""
    while piece := reader.read1(65_536):
        data += piece
        try:
            return framing.receive(Received(data), wire, errors)  # and data is forgotten
        except Incomplete:
            pass
    return framing.receive(io.BytesIO(data), wire, errors)


text_server.receive = receive

if __name__ == "__main__":
    text_server.main()
