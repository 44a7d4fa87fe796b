"""Reads numbers with int(), which accepts `+7`, ` 7` and `1_0`.

    text_server_number_by_int.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    verb, _, rest = request.partition(" ")
    if verb == "PRIME":
        try:
            return correct(f"PRIME {int(rest)}")
        except ValueError:  # too long, or no number
            pass
    return correct(request)


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
