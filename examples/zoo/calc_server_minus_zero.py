"""Answers `-0`.

    calc_server_minus_zero.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def plain(number):
    return "-0" if number.is_zero() and number.is_signed() else correct(number)


correct, calc_server.plain = calc_server.plain, plain

if __name__ == "__main__":
    calc_server.main()
