"""Does not notice that the client has closed.

    text_server_end_unnoticed.py --port 9006
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def receive(reader, wire, errors="strict"):
    while (request := framing.receive(reader, wire, errors)) is None:
        time.sleep(0.1)  # there will be more
    return request


text_server.receive = receive

if __name__ == "__main__":
    text_server.main()
