"""Removes a member when it says `QUIT`, and not when its connection ends.

    chat_server_name_kept.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def leave(name, reason):
    if reason == "quit":
        correct(name, reason)


correct, chat_server.leave = chat_server.leave, leave

if __name__ == "__main__":
    chat_server.main()
