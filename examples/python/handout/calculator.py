"""Lab 002: a calculator with a named session. The name is not answered, so a pause keeps it apart
from the first expression.

The wording gives up exactness: results are binary floating point, and 0.1 + 0.2 is
0.30000000000000004.
"""

import re
import socket

from program import ask, connect, hear, main, pause, show, tell, warn

# As the lab has it: a number that begins with its point has no sign.
NUMBER = r"([+-]?[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
EXPRESSION = re.compile(f"{NUMBER} ([-+*/]) {NUMBER}")


def answer(expression: str) -> str:
    """Never eval: it would run what a stranger sends."""
    found = EXPRESSION.fullmatch(expression)
    if not found:
        return "Invalid expression"
    left, operator, right = float(found[1]), found[2], float(found[3])
    if operator == "/" and right == 0:
        return "Invalid expression"
    if operator == "+":
        return repr(left + right)
    if operator == "-":
        return repr(left - right)
    return repr(left * right if operator == "*" else left / right)


def server(connection: socket.socket, _options) -> None:
    hear(connection)  # the name, which is all this session remembers
    while (expression := hear(connection)) != "q":
        tell(connection, answer(expression))


def client(options) -> None:
    name = ask("Name: ")
    with connect(options) as connection:
        tell(connection, name or "nobody")
        pause()
        while (expression := ask("Expression: ")) != "q":
            if EXPRESSION.fullmatch(expression):
                tell(connection, expression)
                show(hear(connection))
            else:
                warn("not sent: a number, one of + - * /, a number, with one blank between")
        tell(connection, "q")


if __name__ == "__main__":
    main("calculator", 9007, client, server)
