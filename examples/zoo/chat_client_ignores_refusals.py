"""Does not look at the answer to a line.

    chat_client_ignores_refusals.py --name Adarsh
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_client
import framing


def receive(reader, wire):
    message = framing.receive(reader, wire)
    return "OK said" if message and message.startswith("ERR ") else message


chat_client.receive = receive

if __name__ == "__main__":
    chat_client.main()
