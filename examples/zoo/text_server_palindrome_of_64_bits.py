"""Reads a palindrome into an integer of 64 bits.

    text_server_palindrome_of_64_bits.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    reply = correct(request)
    if request.startswith("PALINDROME ") and reply.startswith("OK"):
        number = int(request.removeprefix("PALINDROME ").replace("-", ""))
        if number >= 2**63:
            return "ERR out-of-range the number does not fit 64 bits"
    return reply


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
