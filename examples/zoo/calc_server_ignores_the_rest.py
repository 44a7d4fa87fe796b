"""Ignores what follows the second number.

    calc_server_ignores_the_rest.py --port 9007
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    begin = re.match(r"[ \t]*[^ \t]+[ \t]+[^ \t]+[ \t]+[+-]?[0-9]+(\.[0-9]+)?", expression)
    return correct(begin[0] if begin else expression)


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
