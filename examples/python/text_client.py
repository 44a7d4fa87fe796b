"""The text lab's client. Without a request on the command line, each line of the input is one.

    text_client.py --server 127.0.0.1:9006 prime 97
    echo 'lower HELLO' | text_client.py
"""

import argparse
import sys

from framing import LONGEST, FramingError, connect, printable, receive, send


def talk(requests, server: str, wire: str) -> int:
    """Asks one after the other; the exit status says whether all were answered with OK."""
    status = 0
    with connect(server, timeout=10) as connection, connection.makefile("rb") as reader:
        if receive(reader, wire) != "READY text 1":
            sys.exit(f"{server} is no text server of this protocol")
        for request in requests:
            verb, blank, rest = request.partition(" ")
            send(connection, verb.upper() + blank + rest, wire)
            reply = receive(reader, wire)
            if reply is None:
                sys.exit(f"{server} closed the connection instead of answering")
            kind, _, words = reply.partition(" ")
            if kind == "OK":
                print(printable(words), flush=True)
            else:
                print(printable(reply), file=sys.stderr)
                status = 1
        send(connection, "QUIT", wire)
        receive(reader, wire)
    return status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:9006", metavar="HOST:PORT")
    parser.add_argument("--wire", choices=tuple(LONGEST), default="netstring")
    parser.add_argument("request", nargs="*", help="lower TEXT, prime NUMBER, palindrome NUMBER")
    options = parser.parse_args()
    requests = [" ".join(options.request)] if options.request else map(without_end, sys.stdin)
    try:
        sys.exit(talk(requests, options.server, options.wire))
    except (OSError, FramingError) as error:
        sys.exit(f"{options.server}: {error}")


def without_end(line: str) -> str:
    return line.rstrip("\r\n")


if __name__ == "__main__":
    main()
