"""Divides without a remainder.

    calc_server_whole_division.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def calculate(expression):
    reply = correct(expression)
    if " / " in expression and reply.startswith("OK"):
        whole = reply.removesuffix(" rounded").partition(".")[0]
        return "OK 0" if whole == "OK -0" else whole
    return reply


correct, calc_server.calculate = calc_server.calculate, calculate

if __name__ == "__main__":
    calc_server.main()
