"""Gives `quit` as the reason whatever happened.

    chat_server_wrong_reason.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def leave(name, _):
    correct(name, "quit")


correct, chat_server.leave = chat_server.leave, leave

if __name__ == "__main__":
    chat_server.main()
