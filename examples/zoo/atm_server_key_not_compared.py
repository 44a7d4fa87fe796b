"""Compares the amount of a repeat, and not its key.

    atm_server_key_not_compared.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def repeated(ledger, row, cents, _key, card):
    return correct(ledger, row, cents, row["key"], card)


correct, atm_server.repeated = atm_server.repeated, repeated

if __name__ == "__main__":
    atm_server.main()
