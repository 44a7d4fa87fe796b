"""Splits a line into words and joins them with one blank.

    chat_client_words_collapsed.py --name Adarsh
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_client
import framing


def send(connection, text, wire):
    framing.send(connection, " ".join(text.split()), wire)


chat_client.send = send

if __name__ == "__main__":
    chat_client.main()
