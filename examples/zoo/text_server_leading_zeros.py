"""Accepts a length with leading zeros.

    text_server_leading_zeros.py --port 9006
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def check_header(header):
    correct(re.sub(b"^0+(?=[0-9])", b"", header))


correct, framing._check_header = framing._check_header, check_header

if __name__ == "__main__":
    text_server.main()
