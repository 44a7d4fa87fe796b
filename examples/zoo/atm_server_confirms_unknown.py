"""Confirms an id that it does not know.

    atm_server_confirms_unknown.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def settle(ledger, movement, outcome, key, card):
    reply = correct(ledger, movement, outcome, key, card)
    return f"OK {movement} confirmed" if reply.startswith("ERR unknown-id") else reply


correct, atm_server.settle = atm_server.settle, settle

if __name__ == "__main__":
    atm_server.main()
