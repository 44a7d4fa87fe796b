"""Refuses with a code of its own.

    text_server_invented_code.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    return correct(request).replace("ERR unknown-verb", "ERR unknown-command", 1)


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
