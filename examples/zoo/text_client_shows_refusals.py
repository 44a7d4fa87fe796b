"""Shows a refusal as the result.

    text_client_shows_refusals.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def receive(reader, wire):
    reply = framing.receive(reader, wire)
    if reply and reply.startswith("ERR "):
        return reply.replace("ERR", "OK", 1)
    return reply


text_client.receive = receive

if __name__ == "__main__":
    text_client.main()
