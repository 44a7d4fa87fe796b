"""Takes an empty message for the end of the stream.

    text_server_empty_closes.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def receive(reader, wire, errors="strict"):
    request = framing.receive(reader, wire, errors)
    return request or None


text_server.receive = receive

if __name__ == "__main__":
    text_server.main()
