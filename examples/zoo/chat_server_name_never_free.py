"""Never frees a name.

    chat_server_name_never_free.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server

used = {}


def taken_by(name):
    return used.get(name.lower())


def join(name, member, wire):
    reply = correct(name, member, wire)
    if reply.startswith("OK"):
        used[name.lower()] = name
    return reply


chat_server.taken_by = taken_by
correct, chat_server.join = chat_server.join, join

if __name__ == "__main__":
    chat_server.main()
