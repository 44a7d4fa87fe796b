"""Sets no limit on the digits of a number.

    calc_server_any_length.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    calc_server.max = lambda counts: 0  # in the place of the digits of the longer number
    return correct(expression)


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
