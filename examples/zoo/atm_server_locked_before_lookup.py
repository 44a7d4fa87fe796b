"""Looks whether the card is locked before it looks up the id.

    atm_server_locked_before_lookup.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def repeated(ledger, row, cents, key, card):
    if row["card"] is not None and atm_server.is_locked(ledger, row["card"]):
        return "ERR card-locked three wrong PINs in a row"
    return correct(ledger, row, cents, key, card)


correct, atm_server.repeated = atm_server.repeated, repeated

if __name__ == "__main__":
    atm_server.main()
