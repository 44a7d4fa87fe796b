"""Closes the connection of a member whose text is too long.

    chat_server_long_text_closes.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server
import framing


def receive(reader, wire, errors="strict"):
    request = framing.receive(reader, wire, errors)
    if request and request.startswith("SAY "):
        refusal = chat_server.why_unsayable(request.removeprefix("SAY "), wire)
        if refusal and refusal.startswith("ERR too-long"):
            raise framing.TooLong("the text is too long")
    return request


chat_server.receive = receive

if __name__ == "__main__":
    chat_server.main()
