"""Takes what came of an answer for the whole when the connection ends.

    text_client_takes_a_part.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def receive(reader, wire):
    kept = Kept(reader)
    try:
        return framing.receive(kept, wire)
    except framing.FramingError:
        return kept.data.partition(b":")[2].decode() if wire == "netstring" else kept.data.decode()


class Kept:
    """A reader that keeps what it has read of a message."""

    def __init__(self, reader):
        self.reader, self.data = reader, b""

    def read(self, count):
        self.data += self.reader.read(count)
        return self.data[-count:]

    def readline(self, limit):
        self.data += self.reader.readline(limit)
        return self.data


text_client.receive = receive

if __name__ == "__main__":
    text_client.main()
