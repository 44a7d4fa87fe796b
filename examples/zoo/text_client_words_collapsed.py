"""Splits the text into words and joins them with one blank.

    text_client_words_collapsed.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def send(connection, text, wire):
    framing.send(connection, " ".join(text.split()), wire)


text_client.send = send

if __name__ == "__main__":
    text_client.main()
