"""Ends at the first refusal.

    calc_client_ends_at_refusal.py --name Adarsh "12 + 42"
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_client
import framing


def receive(reader, wire):
    reply = framing.receive(reader, wire)
    if reply and reply.startswith("ERR "):
        sys.exit(calc_client.printable(reply))
    return reply


calc_client.receive = receive

if __name__ == "__main__":
    calc_client.main()
