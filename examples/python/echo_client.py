"""Has a text echoed, over TCP or UDP, and checks that it is the same.

    echo_client.py --server 127.0.0.1:9009 "Hello, world"
    echo_client.py --udp "Hello, world"
"""

import argparse
import socket
import sys

from framing import connect


def over_tcp(server: str, data: bytes) -> bytes:
    """Piece by piece: two sides that both send and do not read wait for each other for ever."""
    echoed = b""
    with connect(server, timeout=10) as connection:
        for start in range(0, len(data), 16_384):
            piece = data[start : start + 16_384]
            connection.sendall(piece)
            missing = len(piece)
            while missing:  # one recv may bring only a part
                part = connection.recv(missing)
                if not part:
                    sys.exit(f"{server} closed the connection, {missing} bytes too early")
                echoed, missing = echoed + part, missing - len(part)
        connection.shutdown(socket.SHUT_WR)
        if connection.recv(1):
            sys.exit(f"{server} sent more than it was given")
    return echoed


def over_udp(server: str, data: bytes) -> bytes:
    """Asks again when nothing comes back; anything else that comes is passed over."""
    host, _, port = server.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect((host, int(port)))
        for wait in (0.25, 0.5, 1, 2, 4):
            connection.settimeout(wait)
            connection.send(data)
            try:
                while (echoed := connection.recv(65_536)) != data:
                    pass
                return echoed
            except TimeoutError:
                pass
    sys.exit(f"{server} did not answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:9009", metavar="HOST:PORT")
    parser.add_argument("--udp", action="store_true")
    parser.add_argument("text")
    options = parser.parse_args()
    data = options.text.encode()
    try:
        echoed = (over_udp if options.udp else over_tcp)(options.server, data)
    except OSError as error:
        sys.exit(f"{options.server}: {error}")
    if echoed != data:
        sys.exit("something else came back")
    print(options.text)


if __name__ == "__main__":
    main()
