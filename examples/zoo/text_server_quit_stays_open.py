"""Answers `QUIT` and leaves it to the client to close.

    text_server_quit_stays_open.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def send(connection, text, wire):
    framing.send(connection, text, wire)
    if text == "OK bye":
        connection.settimeout(None)
        while connection.recv(65_536):  # until the client closes
            pass


text_server.send = send

if __name__ == "__main__":
    text_server.main()
