"""Announces everybody that connects.

    chat_server_joined_before_login.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def serve(connection, wire):
    with chat_server.lock:
        chat_server.tell_all("EVENT joined guest")
    correct(connection, wire)


correct, chat_server.serve = chat_server.serve, serve

if __name__ == "__main__":
    chat_server.main()
