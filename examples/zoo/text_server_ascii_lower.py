"""Lowers only A to Z.

    text_server_ascii_lower.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    verb, _, rest = request.partition(" ")
    reply = correct(request)
    if verb == "LOWER" and reply.startswith("OK "):
        return "OK " + rest.encode().lower().decode()  # bytes have only ASCII letters
    return reply


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
