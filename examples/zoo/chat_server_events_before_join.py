"""Sends the events of the room to everybody that is connected.

    chat_server_events_before_join.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server

connected = []


def serve(connection, wire):
    connected.append((connection, wire))
    correct_serve(connection, wire)


def tell_all(event):
    correct_tell_all(event)
    members = [connection for _, connection in chat_server.room.values()]
    for connection, wire in connected:
        if connection not in members:
            try:
                chat_server.send(connection, event, wire)
            except OSError:
                pass  # it has gone


correct_serve, chat_server.serve = chat_server.serve, serve
correct_tell_all, chat_server.tell_all = chat_server.tell_all, tell_all

if __name__ == "__main__":
    chat_server.main()
