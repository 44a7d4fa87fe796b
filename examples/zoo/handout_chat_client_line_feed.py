"""Ends its name and its lines with a line feed.

    handout_chat_client_line_feed.py client --server 127.0.0.1:5000
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import chat
import program


def tell(connection, text):
    program.tell(connection, text + "\n")


chat.tell = tell

if __name__ == "__main__":
    program.main("chat", 5000, chat.client, chat.server)
