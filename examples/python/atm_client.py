"""The cash machine: a withdrawal happens exactly once, whatever is lost on the way. It makes an id
and a key, keeps them on disk before the first send, and sends the same again until it is answered.
The PIN is asked for, or taken from the environment variable LABCLIENT_PIN.

    atm_client.py --server 127.0.0.1:9005 --card 123456789 withdraw 500
    atm_client.py settle
"""

import argparse
import getpass
import os
import re
import secrets
import sqlite3
import sys
import time
import uuid

from framing import LONGEST, FramingError, connect, printable, receive, send

ID = "[A-Z]+_[0-9a-f-]{36}"
OUTCOMES = {  # what an answer with OK says, after the id
    "VERIFY_CARD_AND_PASSWORD": "welcome ",
    "BALANCE_INQUIRY": "available ",
    "WITHDRAW": "held ",
    "DEPOSIT": "held ",
    "CONFIRM": "confirmed",
    "ROLLBACK": "rolled back",
}
NOT_KNOWN = 4  # exit status: neither success nor failure yet
# The bank could not say, or not take it now. Was the same id sent before, then that may have been
# carried out: these are no answers to it.
NO_ANSWER = ("busy", "shutting-down", "unavailable", "too-slow", "internal")


class Lost(Exception):
    """No answer, so nobody here knows whether it was done."""


class Refused(Exception):
    """ERR: the code and the words."""


def subject_of(request: str) -> str:
    """The id that an answer to it must name; nothing when it has none."""
    found = re.match(f"[A-Z_]+ ({ID})", request)
    return found[1] if found else ""


def is_about(words: str, subject: str) -> bool:
    """What names another id, or none, may be the second answer to an earlier question."""
    return words.startswith(subject)


def is_outcome_of(request: str, outcome: str) -> bool:
    """With the same id, but of another kind, it may be the second answer to an earlier one."""
    return outcome.startswith(OUTCOMES[request.partition(" ")[0]])


def open_journal(path: str) -> sqlite3.Connection:
    """The one transaction that is open, if any. EXTRA: each write is on the disk, and stays there
    when the power fails, before it returns. EXCLUSIVE: a file is one process's.
    """
    journal = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        journal.execute("PRAGMA locking_mode = EXCLUSIVE")
        journal.execute("PRAGMA synchronous = EXTRA")
        columns = "id TEXT, amount TEXT, key TEXT, settle_by TEXT"
        journal.execute(f"CREATE TABLE IF NOT EXISTS open ({columns})")
        journal.execute("DELETE FROM open WHERE 0")  # a write, which takes the lock
    except sqlite3.OperationalError as error:
        sys.exit(f"{path}: {error}: is another machine using it?")
    return journal


class Line:
    """The line to the bank: a new connection after each loss, with the customer logged in again."""

    def __init__(self, options: argparse.Namespace):
        self.options, self.connection, self.reader = options, None, None
        self.login = f"LOGIN_{uuid.uuid4()}"  # the same when repeated: no second wrong try
        self.pin: str | None = None
        self.is_logged_in = False

    def once(self, request: str) -> str:
        """Sends one message; the words of OK, or Refused, or Lost."""
        wire = self.options.wire
        try:
            if self.connection is None:
                self.connection = connect(self.options.server, self.options.timeout)
                self.reader = self.connection.makefile("rb")
                if receive(self.reader, wire) != "READY atm 1":
                    raise Lost(f"{self.options.server} is no bank that is ready")
            if not self.is_logged_in and request.startswith(("BALANCE", "WITHDRAW", "DEPOSIT")):
                self.once(f"VERIFY_CARD_AND_PASSWORD {self.login} {self.options.card} {self.pin}")
                self.is_logged_in = True
            send(self.connection, request, wire)
            reply = receive(self.reader, wire)
        except (OSError, FramingError) as error:
            self.drop()
            raise Lost(str(error)) from None
        except (Lost, Refused):
            self.drop()
            raise
        kind, _, words = (reply or "").partition(" ")
        code, _, reason = words.partition(" ")
        said, subject = reason if kind == "ERR" else words, subject_of(request)
        outcome = re.sub(f"^{ID} ?", "", said)
        if is_about(said, subject):
            if kind == "OK" and is_outcome_of(request, outcome):
                return outcome
            if kind == "ERR" and code not in NO_ANSWER:
                raise Refused(code, outcome)
        self.drop()
        raise Lost(f"no answer but {reply!r}")

    def drop(self) -> None:
        """An answer that comes too late must not be taken for that to the next question."""
        if self.connection is not None:
            self.reader.close()
            self.connection.close()
        self.connection, self.is_logged_in = None, False

    def until_answered(self, request: str) -> str:
        """The same message, over as many connections as it takes within our patience."""
        by = time.monotonic() + self.options.patience
        while True:
            try:
                return self.once(request)
            except Lost as loss:
                if time.monotonic() > by:
                    raise
                print(f"asking again: {loss}", file=sys.stderr)
                time.sleep(0.1)


def settle(line: Line, journal: sqlite3.Connection) -> None:
    """Settles what the journal has open. This needs no PIN: the key proves whose it is."""
    row = journal.execute("SELECT id, amount, key, settle_by FROM open").fetchone()
    if row is None:
        return
    transaction, amount, key, settle_by = row
    try:
        outcome = line.until_answered(f"{settle_by} {transaction} {key}")
    except Refused as refusal:
        # Declined before, or rolled back before: nothing was moved and nothing is held.
        if settle_by == "CONFIRM" or refusal.args[0] not in ("declined", "already-rolled-back"):
            sys.exit(f"{transaction}: the bank contradicts the journal: {refusal.args[0]}")
        outcome = refusal.args[0]
    journal.execute("DELETE FROM open")
    print(f"settled {transaction} {amount}: {printable(outcome)}")


def move(line: Line, journal: sqlite3.Connection, verb: str, amount: str) -> int:
    """A withdrawal or a deposit, in two phases."""
    transaction, key = new_id(verb), secrets.token_hex(16)
    note_request(journal, transaction, amount, key)
    try:
        held = line.until_answered(f"{verb} {transaction} {amount} {key}")
        if not held.startswith(f"held {amount}, available "):
            raise Lost(f"{held!r} is no answer to this")
    except (Lost, Refused) as failure:
        print("not done:", *map(printable, failure.args), file=sys.stderr)
        # An earlier one with this id may still hold the money. This makes certain that none does,
        # and that none will when a late one arrives.
        settle(line, journal)
        return 1
    note_held(journal)
    move_notes(verb, amount)
    settle(line, journal)
    return 0


def new_id(verb: str) -> str:
    return {"WITHDRAW": "WITH_", "DEPOSIT": "DEP_"}[verb] + str(uuid.uuid4())


def note_request(journal: sqlite3.Connection, transaction: str, amount: str, key: str) -> None:
    """From here on a crash, however early, ends in ROLLBACK: no notes have moved."""
    journal.execute("INSERT INTO open VALUES (?, ?, ?, 'ROLLBACK')", (transaction, amount, key))


def note_held(journal: sqlite3.Connection) -> None:
    """From here on a crash ends in CONFIRM. A real machine would count its drawer to know whether
    the notes left it after this; this one has only the line that it prints.
    """
    journal.execute("UPDATE open SET settle_by = 'CONFIRM'")


def move_notes(verb: str, amount: str) -> None:
    print(f"{amount} {'paid out' if verb == 'WITHDRAW' else 'taken in'}", flush=True)


def money(text: str) -> str:
    """An amount as the bank writes it, with two decimals; never through a float."""
    found = re.fullmatch(r"([0-9]{1,10})(?:\.([0-9]{1,2}))?", text)
    if not found or not int(found[1] + (found[2] or "")):
        raise argparse.ArgumentTypeError(
            "an amount is digits with at most two decimals, as in 20.50"
        )
    return f"{int(found[1])}.{(found[2] or '').ljust(2, '0')}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:9005", metavar="HOST:PORT")
    parser.add_argument("--wire", choices=tuple(LONGEST), default="netstring")
    parser.add_argument("--card")
    parser.add_argument("--journal", default="atm_client.journal", metavar="FILE")
    parser.add_argument("--timeout", type=float, default=5, help="seconds to wait for an answer")
    parser.add_argument("--patience", type=float, default=30, help="seconds to go on asking")
    parser.add_argument("wish", choices=("balance", "withdraw", "deposit", "settle"))
    parser.add_argument("amount", nargs="?", type=money)
    options = parser.parse_args()
    if (options.amount is None) == (options.wish in ("withdraw", "deposit")):
        parser.error("an amount goes with withdraw and deposit, and with nothing else")
    line, journal = Line(options), open_journal(options.journal)
    try:
        settle(line, journal)  # what a crash or a lost bank left behind comes first
        if options.wish == "settle":
            return
        if not options.card:
            parser.error("a card is needed: give --card NUMBER")
        line.pin = os.environ.get("LABCLIENT_PIN") or getpass.getpass("PIN: ")
        # Logs in too: a wrong PIN is found out before there is anything to settle.
        balance = line.until_answered("BALANCE_INQUIRY")
        if options.wish == "balance":
            print(printable(balance))
        else:
            sys.exit(move(line, journal, options.wish.upper(), options.amount))
    except Refused as refusal:
        sys.exit("refused: " + printable(" ".join(refusal.args)))
    except Lost as loss:
        print(f"not known yet: {loss}; run `settle` later", file=sys.stderr)
        sys.exit(NOT_KNOWN)


if __name__ == "__main__":
    main()
