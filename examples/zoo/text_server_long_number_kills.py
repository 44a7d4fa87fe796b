"""Converts a number before looking how long it is.

    text_server_long_number_kills.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    reply = correct(request)
    if reply.startswith("ERR out-of-range"):
        int(request.removeprefix("PRIME "))
    return reply


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
