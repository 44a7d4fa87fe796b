"""Lab 003: messages of exactly 16 octets. The server's answer has 17 all the same, of which the
client reads 16: who gives messages a fixed length has to count.
"""

import socket

from program import connect, exactly, main, show


def server(connection: socket.socket, _options) -> None:
    exactly(connection, 16)
    connection.sendall(b"BYE BYE CLIENT...")


def client(options) -> None:
    with connect(options) as connection:
        connection.sendall(b"Hello!! Server!!")
        show(exactly(connection, 16).decode(errors="replace"))


if __name__ == "__main__":
    main("sixteen", 8888, client, server)
