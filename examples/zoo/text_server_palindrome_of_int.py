"""Converts the number before comparing, so leading zeros are lost.

    text_server_palindrome_of_int.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    verb, _, rest = request.partition(" ")
    reply = correct(request)
    if verb == "PALINDROME" and reply.startswith("OK") and "0" in rest:
        digits = rest.lstrip("0") or "0"
        return "OK palindrome" if digits == digits[::-1] else "OK not palindrome"
    return reply


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
