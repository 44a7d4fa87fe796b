"""Refuses to pay out all that is there.

    atm_server_exact_balance_refused.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def decide(ledger, account, movement, cents):
    available = atm_server.available_of(ledger, account)
    status, reply = correct(ledger, account, movement, cents)
    if status == "held" and movement.startswith("WITH") and cents >= available:
        return "declined", f"ERR insufficient-funds only {atm_server.shown(available)} available"
    return status, reply


correct, atm_server.decide = atm_server.decide, decide

if __name__ == "__main__":
    atm_server.main()
