"""Does not notice that the client has closed inside a message.

    text_server_end_inside_unnoticed.py --port 9006
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


class Patient:
    """A reader that waits for the rest of a message."""

    def __init__(self, reader):
        self.reader = reader

    def read(self, count):
        data = self.reader.read(count)
        while 0 < len(data) < count:
            time.sleep(0.1)  # there will be more
            data += self.reader.read(count - len(data))
        return data

    def readline(self, limit):
        line = self.reader.readline(limit)
        while line and not line.endswith(b"\n") and len(line) < limit:
            time.sleep(0.1)
            line += self.reader.readline(limit - len(line))
        return line


def receive(reader, wire, errors="strict"):
    return framing.receive(Patient(reader), wire, errors)


text_server.receive = receive

if __name__ == "__main__":
    text_server.main()
