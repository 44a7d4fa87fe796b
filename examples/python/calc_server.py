"""The calculator's server: a name first, then two exact decimal numbers at a time. One thread a
connection, and the name is all it remembers.

    calc_server.py --port 9007
"""

import argparse
import decimal
import re
import socket
import threading

from framing import LONGEST, FramingError, hang_up, receive, send, why_unreadable

IDLE = 60  # seconds without a message, or with half of one
NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?"
PARTS = (
    (NUMBER, "a number"),
    (r"[ \t]+", "a blank"),
    (r"[-+*/]", "one of + - * /"),
    (r"[ \t]+", "a blank"),
    (NUMBER, "a number"),
)
# Enough for every sum and product of two numbers of 100 digits, and every quotient that ends.
EXACT = decimal.Context(prec=1000, rounding=decimal.ROUND_HALF_EVEN)


def calculate(expression: str) -> str:
    """The answer to CALC: exact, or marked as rounded to 34 digits."""
    parts, at, expression = [], 0, expression.strip(" \t")
    for pattern, name in PARTS:
        found = re.compile(pattern).match(expression, at)
        if not found:
            return f"ERR malformed column {at + 1}: expected {name}"
        parts.append(found.group())
        at = found.end()
    if at < len(expression):
        return f"ERR malformed column {at + 1}: expected the end"
    if max(sum(map(str.isdigit, part)) for part in parts) > 100:
        return "ERR too-long a number has at most 100 digits"
    left, operator, right = decimal.Decimal(parts[0]), parts[2], decimal.Decimal(parts[4])
    if operator == "/" and not right:
        return "ERR division-by-zero division by zero"
    mark, context = "", EXACT.copy()
    operation = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}[operator]
    result = getattr(context, operation)(left, right)
    if operator == "/" and (
        context.flags[decimal.Inexact] or sum(map(str.isdigit, plain(result))) > 100
    ):
        context = decimal.Context(prec=34, rounding=decimal.ROUND_HALF_EVEN)
        result = context.divide(left, right)
        mark = " rounded" if context.flags[decimal.Inexact] else ""
    return "OK " + plain(result) + mark


def plain(number: decimal.Decimal) -> str:
    """Without exponent, without zeros behind the last digit, without minus zero."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if number else "0"


def answer(request: str, session: dict[str, str]) -> str:
    """What to say to this request, in this session."""
    if refusal := why_unreadable(request):
        return refusal
    verb, _, rest = request.partition(" ")
    if request == "QUIT":
        return "OK bye"
    if verb == "HELLO":
        if len(rest) > 32:
            return "ERR too-long a name has at most 32 characters"
        if not re.fullmatch("[A-Za-z0-9_-]+", rest):
            return "ERR malformed a name has letters, digits, _ and -"
        if session:
            return "ERR out-of-order the name was said before"
        session["name"] = rest
        return "OK hello " + rest
    if verb == "CALC":
        result = calculate(rest)  # what is malformed is so before the name too
        is_in_order = session or result.startswith(("ERR malformed", "ERR too-long"))
        return result if is_in_order else "ERR out-of-order say HELLO and a name first"
    if verb == "QUIT":
        return "ERR malformed QUIT takes no arguments"
    return "ERR unknown-verb known here: HELLO, CALC, QUIT"


def serve(connection: socket.socket, wire: str) -> None:
    """One conversation, to its end."""
    connection.settimeout(IDLE)
    reader = connection.makefile("rb")
    session: dict[str, str] = {}
    try:
        send(connection, "READY calc 1", wire)
        try:
            while (request := receive(reader, wire, "surrogateescape")) is not None:
                reply = answer(request, session)
                send(connection, reply, wire)
                if reply == "OK bye":
                    break
        except FramingError as error:
            send(connection, f"ERR {error.code} {error}", wire)
        except TimeoutError:
            send(connection, f"ERR too-slow nothing whole came for {IDLE} s", wire)
    except OSError:
        pass  # the client has gone: nobody to tell
    finally:
        hang_up(connection)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9007)
    parser.add_argument("--wire", choices=tuple(LONGEST), default="netstring")
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", options.port)) as listener:
        print(f"listening calc tcp 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, options.wire), daemon=True).start()


if __name__ == "__main__":
    main()
