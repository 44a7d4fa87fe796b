"""Sends the events of the room to everybody that is connected.

    chat_server_events_before_join.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server
import framing

connected = []


def send(connection, text, wire):
    framing.send(connection, text, wire)
    if text.startswith("READY"):
        connected.append((connection, wire))


def tell_all(event):
    correct_tell_all(event)
    members = [connection for _, connection in chat_server.room.values()]
    for connection, wire in connected:
        if connection not in members:
            try:
                framing.send(connection, event, wire)
            except OSError:
                pass  # it has gone


chat_server.send = send
correct_tell_all, chat_server.tell_all = chat_server.tell_all, tell_all

if __name__ == "__main__":
    chat_server.main()
