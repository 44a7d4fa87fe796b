"""Lab 004: echo over TCP. Every byte comes back until the client closes; a thread a connection."""

import socket

from program import connect, exactly, main, show

TEXT = b"Hello, world"


def server(connection: socket.socket, _options) -> None:
    while data := connection.recv(1024):
        connection.sendall(data)


def client(options) -> None:
    with connect(options) as connection:
        connection.sendall(TEXT)
        show(exactly(connection, len(TEXT)).decode(errors="replace"))


if __name__ == "__main__":
    main("echo", 65432, client, server)
