"""Takes the CR before a LF for a part of the message.

    text_server_keeps_cr.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def line(reader):
    line = reader.readline(framing.LONGEST["line"] + 2)
    if not line:
        return None
    payload = line.removesuffix(b"\n")
    if len(payload) > framing.LONGEST["line"]:
        raise framing.LineTooLong(line)
    if not line.endswith(b"\n"):
        raise framing.FramingError("closed inside a line")
    return payload


framing._line = line

if __name__ == "__main__":
    text_server.main()
