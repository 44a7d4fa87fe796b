"""Report 000, problem A: lower case, prime, palindrome, any number of rounds over one connection.

The wording gives up the borders between messages, and any way to say what was wrong.
"""

import socket

from primes import is_prime
from program import ask, connect, hear, main, show, tell

DIGITS = "0123456789"


def answer(request: str) -> str:
    if request[0] not in DIGITS:
        return request.lower()
    words = request.split()
    if len(words) != 2 or words[0].strip(DIGITS) or words[1] not in ("prime", "palindrome"):
        return "Operation not available"
    if words[1] == "prime":
        return "It is a prime number." if is_prime(int(words[0])) else "It is not a prime number."
    return "It is palindrome." if words[0] == words[0][::-1] else "It is not palindrome."


def server(connection: socket.socket, _options) -> None:
    while True:
        tell(connection, answer(hear(connection)))


def client(options) -> None:
    with connect(options) as connection:
        while True:
            line = ask("Text, or a number and prime or palindrome: ")
            if line:  # an empty message cannot be sent: it is no bytes
                tell(connection, line)
                show(hear(connection))


if __name__ == "__main__":
    main("text-session", 9005, client, server)
