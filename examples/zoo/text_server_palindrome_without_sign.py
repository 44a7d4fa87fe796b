"""Ignores the sign of a palindrome.

    text_server_palindrome_without_sign.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    reply = correct(request)
    if request.startswith("PALINDROME -") and reply.startswith("OK"):
        return correct(request.replace("-", "", 1))
    return reply


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
