"""Lab 003, the task: three digits of length, then so many octets; one message a connection. The one
hand-out that keeps the borders of its messages.
"""

import socket

from program import ask, connect, exactly, main, show, warn


def send(connection: socket.socket, payload: bytes) -> None:
    if len(payload) > 255:
        raise ValueError(f"a message has at most 255 octets, this one {len(payload)}")
    connection.sendall(b"%03d%s" % (len(payload), payload))


def receive(connection: socket.socket) -> bytes:
    """One message, in as many pieces as it comes. int() alone would take " 12" and "+12" too."""
    digits = exactly(connection, 3)
    if not digits.isdigit() or int(digits) > 255:
        raise EOFError(f"{digits!r} is no length")
    return exactly(connection, int(digits))


def server(connection: socket.socket, _options) -> None:
    receive(connection)
    send(connection, b"BYE BYE CLIENT...")


def client(options) -> None:
    while True:
        line = ask("Message: ").encode()
        if len(line) > 255:
            warn("A message has at most 255 octets")
            continue
        with connect(options) as connection:
            send(connection, line)
            show(receive(connection).decode(errors="replace"))


if __name__ == "__main__":
    main("length-prefix", 8888, client, server)
