"""Lab 003: a greeting of 28 octets for whoever connects. The client reads 7 at a time."""

import socket

from program import connect, main, show, tell


def server(connection: socket.socket, _options) -> None:
    tell(connection, "Socket programming in python")


def client(options) -> None:
    greeting = b""
    with connect(options) as connection:
        while len(greeting) < 1024 and (piece := connection.recv(7)):
            greeting += piece
    show(greeting.decode(errors="replace"))


if __name__ == "__main__":
    main("greeting", 1027, client, server)
