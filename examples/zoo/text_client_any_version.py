"""Looks only at the first words of `READY`.

    text_client_any_version.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def receive(reader, wire):
    reply = framing.receive(reader, wire)
    return "READY text 1" if reply and reply.startswith("READY text ") else reply


text_client.receive = receive

if __name__ == "__main__":
    text_client.main()
