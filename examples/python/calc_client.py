"""The calculator's client: a name, then an expression a line; q ends the session.

    calc_client.py --server 127.0.0.1:9007 --name Adarsh "12 + 42"
    echo '0.1 + 0.2' | calc_client.py
"""

import argparse
import sys

from framing import LONGEST, FramingError, connect, printable, receive, send


def talk(expressions, name: str, server: str, wire: str) -> int:
    """Asks one after the other; the exit status says whether all were answered with OK."""
    with connect(server, timeout=10) as connection, connection.makefile("rb") as reader:

        def ask(request: str) -> tuple[str, str]:
            send(connection, request, wire)
            reply = receive(reader, wire)
            if reply is None:
                sys.exit(f"{server} closed the connection instead of answering")
            kind, _, words = reply.partition(" ")
            return kind, words

        if receive(reader, wire) != "READY calc 1":
            sys.exit(f"{server} is no calculator of this protocol")
        kind, words = ask("HELLO " + name)
        if kind != "OK":
            sys.exit("refused: " + printable(words))
        status = 0
        for expression in expressions:
            if expression.strip() == "q":
                break
            kind, words = ask("CALC " + expression.strip())
            if kind == "OK":
                value, _, rounded = words.partition(" ")
                print(printable(value) + (" (rounded)" if rounded else ""), flush=True)
            else:
                print(kind, printable(words), file=sys.stderr)
                status = 1
        ask("QUIT")
    return status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:9007", metavar="HOST:PORT")
    parser.add_argument("--wire", choices=tuple(LONGEST), default="netstring")
    parser.add_argument("--name", default="student")
    parser.add_argument("expression", nargs="?", help="a number, one of + - * /, a number")
    options = parser.parse_args()
    expressions = sys.stdin if options.expression is None else [options.expression]
    try:
        sys.exit(talk(expressions, options.name, options.server, options.wire))
    except (OSError, FramingError) as error:
        sys.exit(f"{options.server}: {error}")


if __name__ == "__main__":
    main()
