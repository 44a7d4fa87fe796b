"""Report 001, problem A: convert and check, one request a connection, chosen from a menu.

The wording gives up all but the first word of a text, and any way to say what was wrong.
"""

import re
import socket

from primes import is_prime
from program import ask, connect, hear, main, show, tell, to_the_end, warn


def answer(request: str) -> str:
    """Words beyond those that are looked at are ignored."""
    words = request.split()
    if words[:1] == ["convert"] and len(words) > 1:
        return words[1].lower()
    if words[:1] == ["check"] and len(words) > 2 and re.fullmatch("[+-]?[0-9]+", words[1]):
        number = int(words[1])
        if words[2] == "prime":
            return "Prime" if is_prime(number) else "Not Prime"
        if words[2] == "palindrome":
            return "Palindrome" if str(number) == str(number)[::-1] else "Not Palindrome"
    return "Invalid request"


def server(connection: socket.socket, _options) -> None:
    tell(connection, answer(hear(connection)))


def request(options, words: str) -> None:
    with connect(options) as connection:
        tell(connection, words)
        show("Response: " + to_the_end(connection))


def client(options) -> None:
    while True:
        choice = ask("1 convert to lower case, 2 check a number, 3 exit: ")
        if choice == "1":
            request(options, "convert " + ask("Text: "))
        elif choice == "2":
            number = ask("Number: ")
            request(options, f"check {number} {ask('prime or palindrome: ')}")
        elif choice == "3":
            return
        else:
            warn("Invalid choice")


if __name__ == "__main__":
    main("text-menu", 1234, client, server)
