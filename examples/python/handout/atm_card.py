"""Report 001, problem B: a bank that is asked one thing a connection.

The wording gives up ids and sessions: a withdrawal that is sent again is done again, so this client
never sends one twice; and whoever knows a card number has its money.
"""

import random
import re
import socket
import threading

from program import ask, connect, hear, main, show, tell, to_the_end, warn

# card: its password and balance
accounts = {"123456789": ["1234", 10_000], "987654321": ["5678", 5_000]}
lock = threading.Lock()
QUESTIONS = {
    "1": ("VERIFY_CARD_AND_PASSWORD", "card", "password"),
    "2": ("BALANCE_INQUIRY", "card"),
    "3": ("WITHDRAW", "card", "amount"),
    "4": ("CREATE_ACCOUNT", "card", "name", "password", "initial balance"),
    "5": ("DEPOSIT", "card", "amount"),
}
ARGUMENTS = {question[0]: len(question) - 1 for question in QUESTIONS.values()}


def whole(text: str) -> int:
    """A whole number, as long as a message can hold; 0, which is no valid amount, for all else."""
    return int(text) if re.fullmatch("[+-]?[0-9]+", text) else 0


def answer(request: str) -> str | None:
    words = request.split()
    if not words or len(words) - 1 < ARGUMENTS.get(words[0], len(words)):
        return None  # words beyond those that are looked at are ignored
    verb, card, *rest = words
    with lock:
        if verb == "CREATE_ACCOUNT":
            # A taken number gets the same answer and changes nothing.
            accounts.setdefault(card, [rest[1], max(0, whole(rest[2]))])
            return "CREATE_ACCOUNT_ACK SUCCESS Account created successfully"
        account = accounts.get(card)
        if verb == "VERIFY_CARD_AND_PASSWORD":
            return "VERIFY_ACK " + ("SUCCESS" if account and account[0] == rest[0] else "FAILURE")
        if not account:
            return None
        if verb == "BALANCE_INQUIRY":
            return f"BALANCE_ACK {account[1]}"
        amount = whole(rest[0])
        if verb == "DEPOSIT":
            if amount <= 0:
                return "DEPOSITE_ACK FAILURE Invalid amount"  # as printed
            account[1] += amount
            return "DEPOSIT_ACK SUCCESS Amount deposited successfully"
        if amount <= 0:
            return "WITHDRAW_ACK FAILURE Invalid amount"
        if amount > account[1]:
            return "WITHDRAW_ACK FAILURE Insufficient funds"
        account[1] -= amount
        return f"WITHDRAW_ACK SUCCESS Withdrawn {amount} successfully"


def server(connection: socket.socket, options) -> None:
    request = hear(connection)
    if random.randrange(100) < options.error_rate:
        reply = "ERROR_ACK Random error occurred"  # and nothing is done
    else:
        reply = answer(request)
    if reply is not None:
        tell(connection, reply)


def client(options) -> None:
    while True:
        choice = ask("1 verify, 2 balance, 3 withdraw, 4 create an account, 5 deposit, 6 exit: ")
        if choice == "6":
            return
        if choice not in QUESTIONS:
            warn("Invalid choice")
            continue
        verb, *questions = QUESTIONS[choice]
        request = " ".join([verb, *(ask(f"{question}: ") for question in questions)])
        with connect(options) as connection:
            if random.randrange(100) < options.error_rate:
                show("ERROR")  # connects, and sends nothing
                continue
            tell(connection, request)
            show("Response from bank server: " + to_the_end(connection))


def add_options(asking, serving) -> None:
    for half in (asking, serving):
        half.add_argument("--error-rate", type=int, default=0, help="in per cent")


if __name__ == "__main__":
    main("atm-card", 1234, client, server, add_options=add_options)
