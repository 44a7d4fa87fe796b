"""Sends its first request before it reads `READY`.

    odd_text_client_early.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client

held_back = []


def receive(reader, wire):
    if not held_back:
        held_back.append(True)
        return "READY text 1"  # it will be read later
    reply = framing.receive(reader, wire)
    if reply == "READY text 1":
        return framing.receive(reader, wire)
    if reply and reply.startswith("READY "):
        sys.exit("this is another service")
    return reply


text_client.receive = receive

if __name__ == "__main__":
    text_client.main()
