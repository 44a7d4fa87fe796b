"""Keeps the zeros after the last digit.

    calc_server_trailing_zeros.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def plain(number):
    return format(number, "f") if number else "0"


calc_server.plain = plain

if __name__ == "__main__":
    calc_server.main()
