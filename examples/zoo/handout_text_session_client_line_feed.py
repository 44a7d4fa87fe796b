"""Ends its requests with a line feed.

    handout_text_session_client_line_feed.py client --server 127.0.0.1:9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import program
import text_session


def tell(connection, text):
    program.tell(connection, text + "\n")


text_session.tell = tell

if __name__ == "__main__":
    program.main("text-session", 9005, text_session.client, text_session.server)
