"""Demands a log-in before it looks up the id.

    atm_server_log_in_before_lookup.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def repeated(ledger, row, cents, key, card):
    if card is None:
        return "ERR not-logged-in log in first"
    return correct(ledger, row, cents, key, card)


correct, atm_server.repeated = atm_server.repeated, repeated

if __name__ == "__main__":
    atm_server.main()
