"""Prints what others say as it is.

    chat_client_raw_escapes.py --name Adarsh
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_client


def printable(text):
    return text


chat_client.printable = printable

if __name__ == "__main__":
    chat_client.main()
