"""Calculates with floats.

    calc_server_float.py --port 9007
"""

import decimal
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    reply = correct(expression)
    if not reply.startswith("OK") or reply.endswith("rounded"):
        return reply
    left, operator, right = expression.split()
    left, right = float(left), float(right)
    result = {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1)}
    return "OK " + calc_server.plain(decimal.Decimal(repr(result[operator])))


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
