"""Accepts verbs in lower case.

    text_server_any_case.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    verb, blank, rest = request.partition(" ")
    return correct(verb.upper() + blank + rest)


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
