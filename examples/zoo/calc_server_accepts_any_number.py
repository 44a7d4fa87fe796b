"""Reads numbers with Decimal(), which accepts `.5`, `1e3` and `1_0`.

    calc_server_accepts_any_number.py --port 9007
"""

import decimal
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    reply = correct(expression)
    words = expression.split()
    if not reply.startswith("ERR malformed") or len(words) != 3:
        return reply
    try:
        left, right = decimal.Decimal(words[0]), decimal.Decimal(words[2])
        if max(abs(left.adjusted()), abs(right.adjusted())) < 100:
            return correct(f"{left:f} {words[1]} {right:f}")
    except decimal.InvalidOperation:
        pass
    return reply


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
