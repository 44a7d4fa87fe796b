"""The bank: each transaction once, however often it is asked for. The id is looked up before
anything else; the id, the hold and the answer are written in one transaction, on the disk before
the answer is sent. Money is whole cents.

    atm_server.py --port 9005 --ledger bank.db
"""

import argparse
import contextlib
import hashlib
import hmac
import os
import re
import socket
import sqlite3
import threading
import time

from framing import LONGEST, FramingError, hang_up, receive, send, why_unreadable

REFUSAL = 0.3  # seconds that a log-in takes to fail, whatever is wrong with it
IDLE = 120  # seconds without a message, or with half of one
MOST = 999_999_999_999  # cents
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MONEY = r"([0-9]+(?:\.[0-9]{1,2})?)"
CARD, PIN = "([0-9]{6,19})", "([0-9]{4,12})"
NAME = "([A-Za-z0-9_-]{1,32})"
KEY = "(?: ([0-9a-f]{32}))?"
GRAMMAR = {
    "VERIFY_CARD_AND_PASSWORD": f"(LOGIN_{UUID}) {CARD} {PIN}",
    "BALANCE_INQUIRY": "",
    "WITHDRAW": f"(WITH_{UUID}) {MONEY}{KEY}",
    "DEPOSIT": f"(DEP_{UUID}) {MONEY}{KEY}",
    "CONFIRM": f"((?:WITH|DEP)_{UUID}){KEY}",
    "ROLLBACK": f"((?:WITH|DEP)_{UUID}){KEY}",
    "CREATE_ACCOUNT": f"(ACC_{UUID}) {CARD} {PIN} {MONEY} (\\S(?:.{{0,62}}\\S)?)",
    "TERMINAL": NAME,
    "QUIT": "",
}
SCHEMA = """
CREATE TABLE IF NOT EXISTS account (card TEXT PRIMARY KEY, holder TEXT, salt BLOB, pin_hash BLOB,
    opening INTEGER, posted INTEGER, created_by TEXT UNIQUE);
-- in a row; also of cards that do not exist, for nobody is to learn which do
CREATE TABLE IF NOT EXISTS wrong_pins (card TEXT PRIMARY KEY, count INTEGER);
CREATE TABLE IF NOT EXISTS login (id TEXT, card TEXT, succeeded INTEGER, PRIMARY KEY (id, card));
-- status: held, confirmed, rolled back, declined. A rollback that came first has no card.
CREATE TABLE IF NOT EXISTS movement (id TEXT PRIMARY KEY, card TEXT, cents INTEGER, status TEXT,
    reply TEXT, key TEXT);
CREATE INDEX IF NOT EXISTS holds ON movement (card) WHERE status = 'held';
"""
DEMONSTRATION = (("123456789", "1234", "Joty", 1_000_000), ("987654321", "5678", "Ahona", 500_000))

lock = threading.Lock()  # one request at a time does business
hashing = threading.BoundedSemaphore(2)  # each takes 16 MiB


def scrypt(pin: str, salt: bytes) -> bytes:
    """Slow on purpose: who steals the ledger must not try all PINs in a second."""
    with hashing:
        return hashlib.scrypt(pin.encode(), salt=salt, n=2**14, r=8, p=1)


def open_ledger(path: str) -> sqlite3.Connection:
    ledger = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    ledger.row_factory = sqlite3.Row
    ledger.execute("PRAGMA synchronous = EXTRA")  # a commit returns when it is on the disk
    ledger.executescript(SCHEMA)
    if not ledger.execute("SELECT 1 FROM account").fetchone():
        with transaction(ledger):
            for card, pin, holder, cents in DEMONSTRATION:
                create(ledger, None, card, pin, cents, holder)
    return ledger


@contextlib.contextmanager
def transaction(ledger: sqlite3.Connection):
    """All that is written in here is on the disk at its end, or none of it."""
    with lock:
        ledger.execute("BEGIN IMMEDIATE")
        try:
            yield
            ledger.execute("COMMIT")
        except BaseException:
            if ledger.in_transaction:
                ledger.execute("ROLLBACK")
            raise


def cents_of(text: str) -> int:
    """Exactly; MOST + 1 for all that is more than MOST, however long."""
    whole, _, fraction = text.partition(".")
    digits = (whole + fraction.ljust(2, "0")).lstrip("0")
    return int(digits or "0") if len(digits) <= len(str(MOST)) else MOST + 1


def shown(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def account_of(ledger, card: str | None):
    return ledger.execute("SELECT * FROM account WHERE card = ?", (card,)).fetchone()


def held(ledger, card: str, kind: str) -> int:
    """What withdrawals (WITH) hold, or deposits (DEP), that are not settled."""
    rows = ledger.execute(
        "SELECT id, cents FROM movement WHERE card = ? AND status = 'held'", (card,)
    )
    return sum(row["cents"] for row in rows if row["id"].startswith(kind))


def log_in(ledger, login: str, card: str, pin: str, session: dict) -> str:
    end_session(session)  # whoever was at the machine has gone
    refused_at = time.monotonic() + REFUSAL
    with lock:
        account = account_of(ledger, card)
    matches = pin_matches(pin, account)
    with transaction(ledger):
        reply = judge_login(ledger, login, card, account, matches)
    if reply.startswith("OK"):
        session["card"] = card
    else:
        time.sleep(max(0, refused_at - time.monotonic()))
    return reply


def end_session(session: dict) -> None:
    session.pop("card", None)


def pin_matches(pin: str, account) -> bool:
    """Takes as long for a card that does not exist."""
    salt = account["salt"] if account else b"nobody"
    return hmac.compare_digest(scrypt(pin, salt), account["pin_hash"] if account else b"")


def judge_login(ledger, login: str, card: str, account, matches: bool) -> str:
    """Counts a wrong PIN; a repeat with the same id is no second attempt."""
    known = known_login(ledger, login, card)
    if known and not known["succeeded"]:
        return wrong_credentials(account)
    if is_locked(ledger, card) and not (known and matches):
        return "ERR card-locked three wrong PINs in a row"
    ledger.execute("INSERT OR REPLACE INTO login VALUES (?, ?, ?)", (login, card, matches))
    if not matches:
        count_wrong_pin(ledger, card)
        return wrong_credentials(account)
    if not known:  # a repeat changes nothing
        forget_wrong_pins(ledger, card)
    return f"OK {login} welcome {account['holder']}"


def known_login(ledger, login: str, card: str):
    ours = (login, card)
    return ledger.execute("SELECT * FROM login WHERE id = ? AND card = ?", ours).fetchone()


def wrong_credentials(account) -> str:
    """The same words for a card that does not exist."""
    return "ERR wrong-credentials unknown card or wrong PIN"


def is_locked(ledger, card: str) -> bool:
    row = ledger.execute("SELECT count FROM wrong_pins WHERE card = ?", (card,)).fetchone()
    return row is not None and row["count"] >= 3


def count_wrong_pin(ledger, card: str) -> None:
    ledger.execute(
        "INSERT INTO wrong_pins VALUES (?, 1) ON CONFLICT (card) DO UPDATE SET count = count + 1",
        (card,),
    )


def forget_wrong_pins(ledger, card: str) -> None:
    ledger.execute("DELETE FROM wrong_pins WHERE card = ?", (card,))


def hold(ledger, movement: str, cents: int, key: str | None, card: str | None) -> str:
    """The first phase. An id that is known is answered from the record, whatever it says."""
    with transaction(ledger):
        row = movement_of(ledger, movement)
        if row:
            return repeated(ledger, row, cents, key, card)
        account = account_of(ledger, card)
        if not account:
            return "ERR not-logged-in log in first"
        status, reply = decide(ledger, account, movement, cents)
        record(ledger, movement, card, cents, status, reply, key)
        return reply


def movement_of(ledger, movement: str):
    return ledger.execute("SELECT * FROM movement WHERE id = ?", (movement,)).fetchone()


def repeated(ledger, row, cents: int, key: str | None, card: str | None) -> str:
    """What is in the record, if the content is the same."""
    if row["card"] is not None:
        if (row["cents"], row["key"]) != (cents, key) or card not in (None, row["card"]):
            return "ERR mismatch this id was used before, with other content"
        if row["status"] == "held":
            return row["reply"] + ", repeat"
        if row["status"] == "declined":
            return row["reply"]
    # Settled is settled: a machine that reads "held" may pay out.
    return f"ERR already-{row['status'].replace(' ', '-')} it was settled before"


def decide(ledger, account, movement: str, cents: int) -> tuple[str, str]:
    """The status of a new movement, and the answer."""
    card, posted = account["card"], account["posted"]
    available = available_of(ledger, account)
    is_withdrawal = movement.startswith("WITH")
    if is_locked(ledger, card):
        return "declined", "ERR card-locked three wrong PINs in a row"
    if is_withdrawal and cents > available:
        return "declined", f"ERR insufficient-funds only {shown(available)} available"
    if not is_withdrawal and posted + held(ledger, card, "DEP") + cents > MOST:
        return "declined", "ERR out-of-range the account cannot hold so much"
    left = available - cents if is_withdrawal else available
    return "held", f"OK {movement} held {shown(cents)}, available {shown(left)}"


def available_of(ledger, account) -> int:
    return account["posted"] - held(ledger, account["card"], "WITH")


def record(ledger, movement: str, card, cents: int, status: str, reply: str, key) -> None:
    """A decline is an outcome too, and kept."""
    row = (movement, card, cents, status, reply, key)
    ledger.execute("INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?)", row)


def settle(ledger, movement: str, outcome: str, key: str | None, card: str | None) -> str:
    """The second phase, "confirmed" or "rolled back". It needs the key that the first had: the
    customer, whose notes are out, has the card and reads the id on the receipt.
    """
    with transaction(ledger):
        row = movement_of(ledger, movement)
        if refusal := why_not_theirs(row, key, card):
            return refusal
        if not row:
            if outcome == "confirmed":
                return "ERR unknown-id no such transaction"
            # The rollback has overtaken its withdrawal: kept, so that the late one is refused.
            record(ledger, movement, None, 0, outcome, "", None)
        elif row["status"] == outcome:
            return f"OK {movement} {outcome}, repeat"
        elif row["status"] == "declined":
            return "ERR declined declined before: " + row["reply"].split(" ")[1]
        elif row["status"] != "held":
            return f"ERR already-{row['status'].replace(' ', '-')} it was settled before"
        else:
            ledger.execute("UPDATE movement SET status = ? WHERE id = ?", (outcome, movement))
            if outcome == "confirmed":
                change = row["cents"] if movement.startswith("DEP") else -row["cents"]
                ledger.execute(
                    "UPDATE account SET posted = posted + ? WHERE card = ?", (change, row["card"])
                )
        return f"OK {movement} {outcome}"


def why_not_theirs(row, key: str | None, card: str | None) -> str | None:
    """Why they may not settle this movement, unless they may."""
    is_known = row is not None and row["card"] is not None
    if is_known and key and row["key"] != key:
        return "ERR mismatch another key belongs to this transaction"
    if not key and (row["key"] or row["card"] != card if is_known else not card):
        return "ERR not-logged-in give the key or, if it has none, log in with its card"
    return None


def create(ledger, creation: str | None, card: str, pin: str, cents: int, holder: str) -> str:
    """Inside a transaction of the caller's."""
    old = ledger.execute("SELECT * FROM account WHERE created_by = ?", (creation,)).fetchone()
    if old:
        same = (old["card"], old["holder"], old["opening"]) == (card, holder, cents)
        if same and hmac.compare_digest(scrypt(pin, old["salt"]), old["pin_hash"]):
            return f"OK {creation} created, repeat"
        return "ERR mismatch this id was used before, with other content"
    if account_of(ledger, card):
        return "ERR account-exists an account with this card number exists"
    salt = os.urandom(16)
    row = (card, holder, salt, scrypt(pin, salt), cents, cents, creation)
    ledger.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return f"OK {creation} created"


def answer(ledger: sqlite3.Connection, request: str, session: dict) -> str:
    """What to say to this request, in this session. A refusal names the id, as every answer does
    to a request that has one: the machine must not take it for that of another.
    """
    reply = act(ledger, request, session)
    subject = re.match(f"[A-Z_]+ ((?:LOGIN|WITH|DEP|ACC)_{UUID})(?: |$)", request)
    if subject and reply.startswith("ERR "):
        code, _, words = reply.removeprefix("ERR ").partition(" ")
        return f"ERR {code} {subject[1]} {words}"
    return reply


def act(ledger: sqlite3.Connection, request: str, session: dict) -> str:
    if refusal := why_unreadable(request):
        return refusal
    verb, _, rest = request.partition(" ")
    if verb not in GRAMMAR:
        return "ERR unknown-verb known here: " + ", ".join(GRAMMAR)
    found = re.fullmatch(GRAMMAR[verb], rest)
    if not found:
        return f"ERR malformed {verb} has other arguments"
    words = found.groups()
    if verb == "QUIT":
        return "OK bye"
    if verb == "TERMINAL":
        return "OK terminal " + words[0]
    if verb == "VERIFY_CARD_AND_PASSWORD":
        return log_in(ledger, *words, session)
    if verb in ("CONFIRM", "ROLLBACK"):
        outcome = "confirmed" if verb == "CONFIRM" else "rolled back"
        return settle(ledger, words[0], outcome, words[1], session.get("card"))
    if verb == "BALANCE_INQUIRY":
        with transaction(ledger):
            account = account_of(ledger, session.get("card"))
            if not account:
                return "ERR not-logged-in log in first"
            if is_locked(ledger, account["card"]):
                return "ERR card-locked three wrong PINs in a row"
            on_hold = held(ledger, account["card"], "WITH")
            return f"OK available {shown(available_of(ledger, account))}, held {shown(on_hold)}"
    money = words[3] if verb == "CREATE_ACCOUNT" else words[1]
    if cents_of(money) > MOST:
        return f"ERR out-of-range money is at most {shown(MOST)}"
    if verb == "CREATE_ACCOUNT":
        if not words[4].isprintable():
            return "ERR malformed the holder's name holds control characters"
        with transaction(ledger):
            return create(ledger, *words[:3], cents_of(money), words[4])
    if cents_of(money) == 0:
        return "ERR out-of-range an amount is not zero"
    return hold(ledger, words[0], cents_of(money), words[2], session.get("card"))


def serve(connection: socket.socket, ledger: sqlite3.Connection, wire: str) -> None:
    """One conversation, to its end."""
    connection.settimeout(IDLE)
    reader = connection.makefile("rb")
    session: dict = {}
    try:
        send(connection, "READY atm 1", wire)
        try:
            while (request := receive(reader, wire, "surrogateescape")) is not None:
                try:
                    reply = answer(ledger, request, session)
                except sqlite3.Error as error:  # whether it was done, we do not know either
                    reply = f"ERR internal the ledger failed: {error}"
                send(connection, reply, wire)
                if reply == "OK bye":
                    break
        except FramingError as error:
            send(connection, f"ERR {error.code} {error}", wire)
        except TimeoutError:
            send(connection, f"ERR too-slow nothing whole came for {IDLE} s", wire)
    except OSError:
        pass  # the machine has gone: it will ask again
    finally:
        hang_up(connection)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9005)
    parser.add_argument("--wire", choices=tuple(LONGEST), default="netstring")
    parser.add_argument("--ledger", default="bank.db", metavar="FILE")
    options = parser.parse_args()
    ledger = open_ledger(options.ledger)
    with socket.create_server(("127.0.0.1", options.port)) as listener:
        print(f"listening atm tcp 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            peer = (connection, ledger, options.wire)
            threading.Thread(target=serve, args=peer, daemon=True).start()


if __name__ == "__main__":
    main()
