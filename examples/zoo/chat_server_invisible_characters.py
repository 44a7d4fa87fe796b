"""Passes on characters that nobody can see.

    chat_server_invisible_characters.py --port 9008
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def why_unsayable(text, wire):
    return correct(re.sub("[\u200b-\u200f\u2028-\u202e\u2060-\u206f]", "?", text), wire)


correct, chat_server.why_unsayable = chat_server.why_unsayable, why_unsayable

if __name__ == "__main__":
    chat_server.main()
