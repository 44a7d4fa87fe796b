"""Gives the expression to eval().

    calc_server_eval.py --port 9007
"""

import decimal
import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server

NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def calculate(expression):
    reply = correct(expression)
    if not reply.startswith("ERR malformed"):
        return reply
    try:
        exact = NUMBER.sub(lambda found: f"Decimal('{found[0]}')", expression)
        return f"OK {eval(exact.strip(), {'Decimal': decimal.Decimal})}"
    except Exception:
        return reply


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
