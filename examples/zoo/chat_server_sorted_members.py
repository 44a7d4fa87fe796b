"""Lists the members by their names.

    chat_server_sorted_members.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def listed(words, names, wire):
    return correct(words, sorted(names), wire)


correct, chat_server.listed = chat_server.listed, listed

if __name__ == "__main__":
    chat_server.main()
