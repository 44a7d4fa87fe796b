"""Deletes a transaction that is rolled back.

    atm_server_rollback_forgets.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def settle(ledger, movement, outcome, key, card):
    reply = correct(ledger, movement, outcome, key, card)
    if reply == f"OK {movement} rolled back":
        with atm_server.transaction(ledger):
            ledger.execute("DELETE FROM movement WHERE id = ?", (movement,))
    return reply


correct, atm_server.settle = atm_server.settle, settle

if __name__ == "__main__":
    atm_server.main()
