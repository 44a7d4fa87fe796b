"""Splits the expression at each blank.

    calc_server_one_blank_only.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    if len(expression.split(" ")) != 3:
        return "ERR malformed column 1: expected a number, an operator and a number"
    return correct(expression)


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
