"""Accepts a length with leading zeros.

    text_server_leading_zeros.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def check_header(header):
    correct(header.lstrip(b"0") or b"0")


correct, framing._check_header = framing._check_header, check_header

if __name__ == "__main__":
    text_server.main()
