"""Answers an empty text with `OK` and a blank.

    text_server_trailing_blank.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    reply = correct(request)
    return "OK " if reply == "OK" else reply


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
