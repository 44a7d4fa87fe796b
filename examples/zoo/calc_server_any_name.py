"""Accepts every name.

    calc_server_any_name.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def answer(request, session):
    reply = correct(request, session)
    if reply.startswith("ERR malformed a name") and not session:
        session["name"] = request.removeprefix("HELLO ")
        return "OK hello " + session["name"]
    return reply


correct, calc_server.answer = calc_server.answer, answer

if __name__ == "__main__":
    calc_server.main()
