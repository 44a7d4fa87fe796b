"""A negative number ends the thread with an exception.

    text_server_negative_kills.py --port 9006
"""

import math
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    reply = correct(request)
    if request.startswith("PRIME ") and reply == "OK not prime":
        math.isqrt(int(request.removeprefix("PRIME ")))  # up to where to divide
    return reply


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
