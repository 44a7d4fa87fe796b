"""Lab 004: every message is accepted, until one says close, in capitals or not. A thread a
connection.

The wording gives up the borders: a message over 1024 bytes is accepted twice.
"""

import socket

from program import ask, connect, hear, main, show, tell


def server(connection: socket.socket, _options) -> None:
    while hear(connection).lower() != "close":
        tell(connection, "accepted")
    tell(connection, "closed")


def client(options) -> None:
    with connect(options) as connection:
        reply = ""
        while reply != "closed":
            line = ask("Message: ")
            if line:  # an empty message cannot be sent: it is no bytes
                tell(connection, line)
                reply = hear(connection)
                show("Received: " + reply)


if __name__ == "__main__":
    main("accepted", 8000, client, server)
