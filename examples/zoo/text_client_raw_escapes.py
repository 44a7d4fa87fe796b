"""Prints what it receives as it is.

    text_client_raw_escapes.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_client


def printable(text):
    return text


text_client.printable = printable

if __name__ == "__main__":
    text_client.main()
