"""Closes at once after `OK bye`.

    odd_text_server_abrupt.py --port 9006
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def send(connection, text, wire):
    framing.send(connection, text, wire)
    if text == "OK bye":
        connection.shutdown(socket.SHUT_RDWR)


text_server.send = send

if __name__ == "__main__":
    text_server.main()
