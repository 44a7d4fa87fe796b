"""Half-closes in the place of `QUIT`.

    odd_text_client_half_closes.py prime 97
"""

import pathlib
import socket
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def send(connection, text, wire):
    if text == "QUIT":
        connection.shutdown(socket.SHUT_WR)
    else:
        framing.send(connection, text, wire)


text_client.send = send

if __name__ == "__main__":
    text_client.main()
