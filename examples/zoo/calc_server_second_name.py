"""Accepts a second name in a session.

    calc_server_second_name.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def answer(request, session):
    reply = correct(request, session)
    if request.startswith("HELLO ") and reply.startswith("ERR out-of-order"):
        return correct(request, {})
    return reply


correct, calc_server.answer = calc_server.answer, answer

if __name__ == "__main__":
    calc_server.main()
