"""Lets those speak who have not joined.

    chat_server_says_without_name.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def answer(request, name, member, wire):
    is_sayable = not chat_server.why_malformed(request, wire)
    if name is None and request.startswith("SAY ") and is_sayable:
        with chat_server.lock:
            member[0].put(chat_server.say("nobody", request.removeprefix("SAY "), member))
        return None
    return correct(request, name, member, wire)


correct, chat_server.answer = chat_server.answer, answer

if __name__ == "__main__":
    chat_server.main()
