"""Ignores what follows `WHO`.

    chat_server_who_and_more.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def answer(request, name, member, wire):
    return correct("WHO" if request.startswith("WHO ") else request, name, member, wire)


correct, chat_server.answer = chat_server.answer, answer

if __name__ == "__main__":
    chat_server.main()
