"""Goes on when the server has closed the connection.

    chat_client_goes_on.py --name Adarsh
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_client
import framing


def send(connection, text, wire):
    try:
        framing.send(connection, text, wire)
    except OSError:
        pass  # perhaps the next one arrives


def receive(reader, wire):
    try:
        while (message := framing.receive(reader, wire)) is None:
            time.sleep(0.1)  # there will be more
        return message
    except OSError:
        time.sleep(0.1)
        return "OK said"


chat_client.send, chat_client.receive = send, receive
chat_client.TIMEOUT = None

if __name__ == "__main__":
    chat_client.main()
