"""Shows whether a request was answered, and not what the answer is.

    text_client_shows_ok.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def receive(reader, wire):
    reply = framing.receive(reader, wire)
    return "OK done" if reply and reply.startswith("OK") else reply


text_client.receive = receive

if __name__ == "__main__":
    text_client.main()
