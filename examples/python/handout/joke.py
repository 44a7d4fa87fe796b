"""Lab 002: a joke over UDP. A datagram may be lost, so the client asks again."""

from program import main, open_udp, show

JOKE = "I could tell you a UDP joke but I'm not sure you'll get it."


def server(datagram: str, _options) -> str | None:
    return "Ok" if datagram == JOKE else None


def client(options) -> None:
    with open_udp(options) as connection:
        for wait in (0.5, 1, 2, 4):
            connection.settimeout(wait)
            connection.send(JOKE.encode())
            try:
                show(connection.recv(1024).decode(errors="replace"))
                return
            except TimeoutError:
                pass
    raise OSError("the server did not get it")


if __name__ == "__main__":
    main("joke", 43387, client, server, udp=True)
