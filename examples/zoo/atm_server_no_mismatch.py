"""Compares the id of a repeat, and not its amount.

    atm_server_no_mismatch.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def repeated(ledger, row, _cents, key, card):
    return correct(ledger, row, row["cents"], key, card)


correct, atm_server.repeated = atm_server.repeated, repeated

if __name__ == "__main__":
    atm_server.main()
