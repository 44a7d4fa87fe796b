"""Ends when a request is refused.

    handout_text_session_client_refused_is_the_end.py client --server 127.0.0.1:9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import program
import text_session


def hear(connection):
    reply = program.hear(connection)
    if reply == "Operation not available":
        sys.exit(reply)
    return reply


text_session.hear = hear

if __name__ == "__main__":
    program.main("text-session", 9005, text_session.client, text_session.server)
