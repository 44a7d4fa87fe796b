"""Lab 004: a datagram without an answer, so that its sender cannot know whether it arrived."""

from program import main, open_udp


def server(datagram: str, _options) -> None:
    print(repr(datagram), flush=True)


def client(options) -> None:
    with open_udp(options) as connection:
        connection.send(b"Hello, world")


if __name__ == "__main__":
    main("udp", 65432, client, server, udp=True)
