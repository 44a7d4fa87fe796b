"""Strips the blanks around a text.

    chat_server_trims_text.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def say(name, text, member):
    return correct(name, text.strip(" "), member)


correct, chat_server.say = chat_server.say, say

if __name__ == "__main__":
    chat_server.main()
