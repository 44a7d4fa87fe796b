"""Reads a number as it is written in a program, where 0x7 is one and 007 is none.

    text_server_number_as_in_source.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    verb, _, rest = request.partition(" ")
    if verb != "PRIME":
        return correct(request)
    try:
        return correct(f"PRIME {int(rest, 0)}")
    except ValueError:
        return "ERR malformed that is no number"


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
