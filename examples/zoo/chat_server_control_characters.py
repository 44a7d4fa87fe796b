"""Passes on characters that control a terminal.

    chat_server_control_characters.py --port 9008
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def why_unsayable(text, wire):
    return correct(re.sub("[\x00-\x1f\x7f-\x9f]", "?", text), wire)


correct, chat_server.why_unsayable = chat_server.why_unsayable, why_unsayable

if __name__ == "__main__":
    chat_server.main()
