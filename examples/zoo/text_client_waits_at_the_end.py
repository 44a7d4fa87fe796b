"""Goes on waiting when the server has closed the connection.

    text_client_waits_at_the_end.py prime 97
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def receive(reader, wire):
    while (reply := framing.receive(reader, wire)) is None:
        time.sleep(0.1)  # there will be more
    return reply


text_client.receive = receive

if __name__ == "__main__":
    text_client.main()
