"""Announces twice that a member has left.

    chat_server_left_twice.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def leave(name, reason):
    with chat_server.lock:
        if name:
            chat_server.room.pop(name, None)
            chat_server.tell_all(f"EVENT left {name} {reason}")  # in answer to QUIT
            chat_server.tell_all(f"EVENT left {name} {reason}")  # at the end of the connection


chat_server.leave = leave

if __name__ == "__main__":
    chat_server.main()
