"""Prints every message.

    odd_text_server_talkative.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def send(connection, text, wire):
    print("<-", framing.printable(text), flush=True)
    framing.send(connection, text, wire)


def receive(reader, wire, errors="strict"):
    request = framing.receive(reader, wire, errors)
    print("->", None if request is None else framing.printable(request), flush=True)
    return request


text_server.send, text_server.receive = send, receive

if __name__ == "__main__":
    text_server.main()
