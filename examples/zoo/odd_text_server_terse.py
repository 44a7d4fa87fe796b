"""Refuses without words.

    odd_text_server_terse.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def send(connection, text, wire):
    if text.startswith("ERR "):
        text = " ".join(text.split(" ")[:2])
    framing.send(connection, text, wire)


text_server.send = send

if __name__ == "__main__":
    text_server.main()
