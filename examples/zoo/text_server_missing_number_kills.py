"""Takes the second word of a request without looking whether there is one.

    text_server_missing_number_kills.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    words = request.split(" ")
    if words[0] in ("PRIME", "PALINDROME"):
        words[1]  # IndexError
    return correct(request)


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
