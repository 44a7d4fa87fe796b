"""Sends a member its own `EVENT left`.

    chat_server_own_left.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def answer(request, name, member, wire):
    if request == "QUIT" and name:
        member[0].put(f"EVENT left {name} quit")
    return correct(request, name, member, wire)


correct, chat_server.answer = chat_server.answer, answer

if __name__ == "__main__":
    chat_server.main()
