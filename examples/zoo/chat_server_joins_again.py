"""Lets a member join again, under another name.

    chat_server_joins_again.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def answer(request, name, member, wire):
    is_second = name is not None and request.startswith("JOIN ")
    return correct(request, None if is_second else name, member, wire) or name


correct, chat_server.answer = chat_server.answer, answer

if __name__ == "__main__":
    chat_server.main()
