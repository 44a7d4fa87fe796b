"""A division by zero ends the session.

    calc_server_zero_ends_session.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    reply = correct(expression)
    if reply.startswith("ERR division-by-zero"):
        raise ZeroDivisionError
    return reply


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
