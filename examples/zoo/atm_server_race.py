"""Looks what is available, and holds the money later, without a lock in between.

    atm_server_race.py --port 9005 --ledger bank.db
"""

import contextlib
import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


@contextlib.contextmanager
def transaction(_ledger):
    yield  # each statement is a transaction of its own


def available_of(ledger, account):
    available = max(0, correct(ledger, account))
    time.sleep(0.05)  # as a bank that has more to look up
    return available


def open_ledger(path):
    ledger = correct_open_ledger(path)
    atm_server.transaction = transaction
    return ledger


correct_open_ledger, atm_server.open_ledger = atm_server.open_ledger, open_ledger
correct, atm_server.available_of = atm_server.available_of, available_of

if __name__ == "__main__":
    atm_server.main()
