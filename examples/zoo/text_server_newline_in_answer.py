"""Ends each answer with a line feed, inside the message.

    text_server_newline_in_answer.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def send(connection, text, wire):
    framing.send(connection, text + "\n", wire)


text_server.send = send

if __name__ == "__main__":
    text_server.main()
