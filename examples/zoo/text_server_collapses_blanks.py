"""Splits the text into words and joins them with one blank.

    text_server_collapses_blanks.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    reply = correct(request)
    if request.startswith("LOWER ") and reply.startswith("OK"):
        return " ".join(reply.split())
    return reply


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
