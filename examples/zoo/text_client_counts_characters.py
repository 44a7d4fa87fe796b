"""Sends the number of characters as the length, which is the number of bytes.

    text_client_counts_characters.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def send(connection, text, wire):
    if wire == "netstring":
        connection.sendall(b"%d:%s," % (len(text), text.encode()))
    elif wire == "len3":
        connection.sendall(b"%03d%s" % (len(text), text.encode()))
    else:
        framing.send(connection, text, wire)


text_client.send = send

if __name__ == "__main__":
    text_client.main()
