"""Sends the number of characters as the length, which is the number of bytes.

    text_server_counts_characters.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def encode(text, wire):
    if wire == "netstring":
        return b"%d:%s," % (len(text), text.encode())
    if wire == "len3":
        return b"%03d%s" % (len(text), text.encode())
    return text_server.encode(text, wire)


framing.encode = encode

if __name__ == "__main__":
    text_server.main()
