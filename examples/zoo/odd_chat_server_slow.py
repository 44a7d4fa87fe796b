"""Takes its time for each message.

    odd_chat_server_slow.py --port 9008
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server
import framing


def send(connection, text, wire):
    time.sleep(0.01)
    framing.send(connection, text, wire)


chat_server.send = send

if __name__ == "__main__":
    chat_server.main()
