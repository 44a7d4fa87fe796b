"""Sends a member its own `EVENT joined`.

    chat_server_own_joined.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def join(name, member, wire):
    reply = correct(name, member, wire)
    if reply.startswith("OK"):
        member[0].put("EVENT joined " + name)
    return reply


correct, chat_server.join = chat_server.join, join

if __name__ == "__main__":
    chat_server.main()
