"""The exercise in Kurose and Ross: a cash machine and its bank, one line a message.

The bank debits the account before it answers, and nothing has an id: if the answer to a withdrawal
is lost, neither half knows what the other believes. So this client never sends one twice.
"""

import re
import socket
import threading
from decimal import Decimal

from program import LONGEST, ask, connect, main, show, tell, warn

# user: the PIN and the balance
accounts = {"Joty": ["1234", Decimal(10_000)], "Ahona": ["5678", Decimal(5_000)]}
lock = threading.Lock()
AUTH_REQUIRED, OK, ERROR = "500 AUTH REQUIRED!", "525 OK!", "401 ERROR!"


def next_line(lines) -> str:
    """The next line without its end. EOFError when the other side has closed or writes no end."""
    line = lines.readline(LONGEST)
    if not line.endswith(b"\n"):
        raise EOFError("the other side closed the connection")
    return line.decode(errors="replace").strip()


def withdraw(account: list, amount: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]{1,2})?", amount):
        return ERROR
    with lock:
        if not 0 < Decimal(amount) <= account[1]:
            return ERROR
        account[1] -= Decimal(amount)
        return OK


def server(connection: socket.socket, _options) -> None:
    user, account = None, None  # whose card is in the machine; the account, after the PIN
    lines = connection.makefile("rb")
    while True:
        verb, _, rest = next_line(lines).partition(" ")
        reply = ERROR
        if verb == "HELO" and rest:
            user, account, reply = rest, None, AUTH_REQUIRED
        elif verb == "PASSWD" and user and not account:
            known = accounts.get(user)
            if known and known[0] == rest:
                account, reply = known, OK
        elif verb == "BALANCE" and account:
            reply = f"AMOUNT:{account[1]}"
        elif verb == "WITHDRAWL" and account:
            reply = withdraw(account, rest)
        elif verb == "BYE":
            tell(connection, "BYE\n")
            return
        tell(connection, reply + "\n")


def client(options) -> None:
    with connect(options) as connection:
        lines = connection.makefile("rb")

        def say(request: str) -> str:
            tell(connection, request + "\n")
            reply = next_line(lines)
            show(reply)
            return reply

        try:
            while True:
                if say(f"HELO {ask('user id: ')}") != AUTH_REQUIRED:
                    continue
                if say(f"PASSWD {ask('PIN: ')}") == OK:
                    break
            while (choice := ask("1 balance, 2 withdraw, 3 exit: ")) != "3":
                if choice == "1":
                    say("BALANCE")
                elif choice == "2":
                    say(f"WITHDRAWL {ask('amount: ')}")
                else:
                    warn("Invalid choice")
        except EOFError as end:
            if str(end) != "end of input":
                raise
        say("BYE")


if __name__ == "__main__":
    main("textbook-atm", 2525, client, server)
