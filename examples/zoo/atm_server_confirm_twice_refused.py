"""Refuses to settle what is settled.

    atm_server_confirm_twice_refused.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def settle(ledger, movement, outcome, key, card):
    reply = correct(ledger, movement, outcome, key, card)
    if reply.endswith(", repeat"):
        return f"ERR already-{outcome.replace(' ', '-')} it was settled before"
    return reply


correct, atm_server.settle = atm_server.settle, settle

if __name__ == "__main__":
    atm_server.main()
