"""Cuts a text that is too long.

    chat_server_long_text_is_cut.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server
import framing


def receive(reader, wire, errors="strict"):
    request = framing.receive(reader, wire, errors)
    if request and request.startswith("SAY ") and not framing.why_unreadable(request):
        longest = chat_server.LONGEST_TEXT[wire] + len("SAY ")
        request = request.encode()[:longest].decode(errors="ignore")
    return request


chat_server.receive = receive

if __name__ == "__main__":
    chat_server.main()
