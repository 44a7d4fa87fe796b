"""Reads the length with int(), which accepts `+5`, ` 5`, `1_0` and digits of other scripts.

    text_server_length_by_int.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def check_header(header):
    if header.isdigit() or header.endswith(b":"):
        correct_check_header(b"%d" % length(header.removesuffix(b":"), "netstring"))
    elif len(header) > 7:
        raise framing.FramingError(f"{header!r} is no length")


def length(digits, wire):
    try:
        number = int(digits.decode())
    except ValueError:
        raise framing.FramingError(f"{digits!r} is no length") from None
    if number < 0:
        raise framing.FramingError(f"{digits!r} is no length")
    if number > framing.LONGEST[wire]:
        raise framing.TooLong(f"a message of {number} bytes")
    return number


correct_check_header, framing._check_header = framing._check_header, check_header
framing._length = length

if __name__ == "__main__":
    text_server.main()
