"""Keeps the name in a global variable.

    calc_server_shared_session.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server

session = {}


def answer(request, _):
    return correct(request, session)


correct, calc_server.answer = calc_server.answer, answer

if __name__ == "__main__":
    calc_server.main()
