"""Lets a member say nothing.

    chat_server_blank_text.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def why_unsayable(text, wire):
    return correct(text, wire) if text.strip(" ") or not text else None


correct, chat_server.why_unsayable = chat_server.why_unsayable, why_unsayable

if __name__ == "__main__":
    chat_server.main()
