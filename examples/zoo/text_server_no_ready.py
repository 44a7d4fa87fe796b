"""Does not send `READY text 1`.

    text_server_no_ready.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def send(connection, text, wire):
    if not text.startswith("READY"):
        framing.send(connection, text, wire)


text_server.send = send

if __name__ == "__main__":
    text_server.main()
