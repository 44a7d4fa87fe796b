"""Closes the connection after a refusal.

    text_server_refusal_closes.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def send(connection, text, wire):
    framing.send(connection, text, wire)
    if text.startswith("ERR "):
        raise ConnectionAbortedError


text_server.send = send

if __name__ == "__main__":
    text_server.main()
