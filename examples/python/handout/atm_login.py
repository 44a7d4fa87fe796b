"""Report 000, problem B: a cash machine with a log-in and pickled answers, and a client that
measures how long operations take when some withdrawals fail.

The wording gives up ids: a withdrawal whose answer is lost cannot be asked for again without doing
it twice. And it sends pickles, which are programs: see read_pickle.
"""

import io
import pickle
import pickletools
import random
import re
import socket
import threading
import time
import uuid

from program import LONGEST, ask, connect, hear, main, pause, show, tell

MENU = "\nSelect one\n" + "".join(
    f"{'':16}{line}" for line in ("1. Check Balance\n", "2. Withdraw\n", "3. Deposit")
)
users = {"jamal": "4321"}
cents = {"jamal": 50_000_000}
lock = threading.Lock()

# All that a dictionary of strings and numbers needs, in any protocol since 2.
HARMLESS = {
    *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "BINPUT"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "SHORT_BINUNICODE", "BINUNICODE", "BINFLOAT"),
}
BROKEN = (ValueError, TypeError, LookupError, EOFError, pickle.UnpicklingError)


class NothingGlobal(pickle.Unpickler):
    """Can make no object but dictionaries, lists, strings and numbers."""

    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"{module}.{name} is refused")


def read_pickle(data: bytes) -> dict:
    """pickle.loads runs what a stranger sends. So each opcode is looked at first, since even those
    without a class can ask for gigabytes; and then nothing global can be found.
    """
    try:
        if any(opcode.name not in HARMLESS for opcode, _, _ in pickletools.genops(data)):
            raise ValueError("an opcode that no answer needs")
        answer = NothingGlobal(io.BytesIO(data)).load()
    except BROKEN as error:
        raise OSError(f"the server sent no pickle of an answer: {error}") from None
    if not isinstance(answer, dict):
        raise OSError("the server's pickle is no dictionary")
    return answer


def tell_pickle(connection: socket.socket, **answer) -> None:
    connection.sendall(pickle.dumps(answer, protocol=4))


def cents_of(text: str) -> int:
    """0 for what is no amount. Never through float, which takes nan, 1e9 and 0.1 + 0.2."""
    found = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?", text)
    return int(found[1] + (found[2] or "").ljust(2, "0")) if found else 0


def server(connection: socket.socket, _options) -> None:
    while True:
        name = hear(connection)
        # One recv is not one message: the two sends of a log-in may come as one.
        both = [user for user, password in users.items() if name == user + password]
        name, password = (both[0], users[both[0]]) if both else (name, hear(connection))
        if users.get(name) != password:
            tell(connection, "WRONG_CRED")
            continue
        tell(connection, "LOGGED_IN")
        if hear(connection) == "LOGGED_IN":
            break
    while True:
        tell(connection, MENU)
        choice = hear(connection)
        if choice not in ("1", "2", "3"):
            tell(connection, "INVALID_OPTION")
            hear(connection)
            continue
        tell(connection, "VALID_OPTION")
        hear(connection)
        if choice == "1":
            tell(connection, repr(cents[name] / 100))
            hear(connection)
            continue
        tell(connection, "AMOUNT")
        (withdraw if choice == "2" else deposit)(connection, name, cents_of(hear(connection)))


def withdraw(connection: socket.socket, name: str, amount: int) -> None:
    with lock:
        enough = cents[name] >= amount
        if amount and enough:
            cents[name] -= amount
        balance = cents[name]
    if not amount or not enough:
        tell_pickle(connection, status="ERROR", message="NO_BLNC" if amount else "INVALID_IN")
        hear(connection)
        return
    tell_pickle(
        connection,
        status="OK",
        tid=f"WITH_{uuid.uuid4()}",
        withdraw=amount / 100,
        balance=balance / 100,
    )
    if hear(connection) == "ERROR_WITHDRAW":
        with lock:
            cents[name] += amount
        tell(connection, "ROLLED_BACK")
        hear(connection)


def deposit(connection: socket.socket, name: str, amount: int) -> None:
    if not amount:
        tell_pickle(connection, status="ERROR", message="INVALID_IN")
        pause()  # the menu follows, and is another message
        return
    with lock:
        cents[name] += amount
        balance = cents[name]
    tell_pickle(
        connection,
        status="OK",
        tid=f"DEP_{uuid.uuid4()}",
        deposit=amount / 100,
        balance=balance / 100,
    )
    hear(connection)


def operate(connection: socket.socket, operation: str, rate: int) -> None:
    """One operation, from the menu to the last word."""
    hear(connection)  # the menu
    tell(connection, operation)
    if hear(connection) != "VALID_OPTION":
        raise OSError("the server does not know its own menu")
    tell(connection, "VALID_OPTION")
    if operation == "1":
        hear(connection)
        tell(connection, "BALANCE")
        return
    hear(connection)  # AMOUNT
    amount = random.randint(1, 5000)
    tell(connection, str(float(amount)) if operation == "2" else str(amount))
    answer = read_pickle(connection.recv(LONGEST))
    if operation == "3":
        tell(connection, "DEPOSIT_RECV")
    elif answer.get("status") == "OK" and random.randint(1, 10) <= rate:
        tell(connection, "ERROR_WITHDRAW")
        hear(connection)
        tell(connection, "ROLLBACK_RECV")
    else:
        tell(connection, "WITHDRAW_RECV")


def client(options) -> None:
    with connect(options) as connection:
        while True:
            tell(connection, ask("Name: "))
            pause()  # two messages in one direction
            tell(connection, ask("Password: "))
            if hear(connection) == "LOGGED_IN":
                break
            show("WRONG_CRED")
        tell(connection, "LOGGED_IN")
        averages = []
        for rate in range(10):
            times = []
            for _ in range(options.operations):
                begin = time.perf_counter()
                operate(connection, random.choice("123"), rate)
                times.append((time.perf_counter() - begin) * 1000)
                show(f"{times[-1]:.3f} ms")
            averages.append(round(sum(times) / len(times), 3))
            show(f"Avg time = {averages[-1]} ms")
        show(str(averages))


def add_options(asking, _serving) -> None:
    asking.add_argument("--operations", type=int, default=100, help="at each error rate")


if __name__ == "__main__":
    main("atm-login", 9005, client, server, add_options=add_options)
