"""Looks for `QUIT` anywhere in what it receives.

    chat_server_quit_in_sentence.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server
import framing


def receive(reader, wire, errors="strict"):
    request = framing.receive(reader, wire, errors)
    return "QUIT" if request and "QUIT" in request.split() else request


chat_server.receive = receive

if __name__ == "__main__":
    chat_server.main()
