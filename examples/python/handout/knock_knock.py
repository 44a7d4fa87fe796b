"""Lab 002: Knock Knock.. / Whose there?, and both close."""

import socket

from program import connect, hear, main, show, tell


def server(connection: socket.socket, _options) -> None:
    if hear(connection) == "Knock Knock..":
        tell(connection, "Whose there?")


def client(options) -> None:
    with connect(options) as connection:
        tell(connection, "Knock Knock..")
        show(hear(connection))


if __name__ == "__main__":
    main("knock-knock", 9011, client, server)
