"""Releases a hold that is not settled within a second.

    atm_server_hold_expires.py --port 9005 --ledger bank.db
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

since = {}


def held(ledger, card, kind):
    rows = ledger.execute(
        "SELECT id, cents FROM movement WHERE card = ? AND status = 'held'", (card,)
    )
    now = time.monotonic()
    return sum(
        row["cents"]
        for row in rows
        if row["id"].startswith(kind) and now - since.setdefault(row["id"], now) < 1
    )


def record(ledger, movement, *columns):
    since[movement] = time.monotonic()
    correct(ledger, movement, *columns)


atm_server.held = held
correct, atm_server.record = atm_server.record, record

if __name__ == "__main__":
    atm_server.main()
