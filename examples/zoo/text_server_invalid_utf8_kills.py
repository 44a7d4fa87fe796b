"""Invalid UTF-8 ends the thread with an exception.

    text_server_invalid_utf8_kills.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def receive(reader, wire, errors="strict"):
    request = framing.receive(reader, wire, errors)
    if request not in (None, framing.SKIPPED):
        request.encode()  # raises what decode raises
    return request


text_server.receive = receive

if __name__ == "__main__":
    text_server.main()
