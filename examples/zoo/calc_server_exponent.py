"""Writes a result as Python does, with an exponent.

    calc_server_exponent.py --port 9007
"""

import decimal
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    kind, value, *rounded = correct(expression).split(" ")
    if kind == "OK":
        value = str(decimal.Decimal(value))
    return " ".join([kind, value, *rounded])


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
