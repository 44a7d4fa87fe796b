"""Sends the verb as it was typed.

    text_client_lower_case_verbs.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def send(connection, text, wire):
    verb, blank, rest = text.partition(" ")
    framing.send(connection, verb.lower() + blank + rest, wire)


text_client.send = send

if __name__ == "__main__":
    text_client.main()
