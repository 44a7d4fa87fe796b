"""Leaves the member that asks out of the list of `WHO`.

    chat_server_who_without_asker.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def answer(request, name, member, wire):
    if request != "WHO" or name is None:
        return correct(request, name, member, wire)
    with chat_server.lock:
        others = [other for other in chat_server.room if other != name]
        member[0].put(chat_server.listed("OK here", others, wire))
    return name


correct, chat_server.answer = chat_server.answer, answer

if __name__ == "__main__":
    chat_server.main()
