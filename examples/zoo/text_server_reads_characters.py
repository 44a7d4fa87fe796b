"""Reads as many characters as the length says bytes, as a file in text mode does.

    text_server_reads_characters.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def exactly(reader, count):
    data = b""
    while count:
        byte = reader.read(1)
        if not byte:
            raise framing.FramingError(f"closed {count} characters too early")
        data += byte
        if byte[0] & 0xC0 != 0x80:  # the first byte of a character
            count -= 1
    return data


framing._exactly = exactly

if __name__ == "__main__":
    text_server.main()
