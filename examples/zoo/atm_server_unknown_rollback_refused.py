"""Refuses to roll back an id that it does not know.

    atm_server_unknown_rollback_refused.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def settle(ledger, movement, outcome, key, card):
    with atm_server.lock:
        row = atm_server.movement_of(ledger, movement)
        is_theirs = atm_server.why_not_theirs(row, key, card) is None
    if row is None and is_theirs:
        return "ERR unknown-id no such transaction"
    return correct(ledger, movement, outcome, key, card)


correct, atm_server.settle = atm_server.settle, settle

if __name__ == "__main__":
    atm_server.main()
