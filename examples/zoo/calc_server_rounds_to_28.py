"""Rounds to 28 digits, the default of Python's decimal.

    calc_server_rounds_to_28.py --port 9007
"""

import decimal
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    reply = correct(expression)
    if not reply.endswith(" rounded"):
        return reply
    left, _, right = expression.split()
    return f"OK {decimal.Decimal(left) / decimal.Decimal(right):f} rounded"


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
