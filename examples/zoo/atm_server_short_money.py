"""Writes money as Python writes a float.

    atm_server_short_money.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def shown(cents):
    return str(cents / 100)


atm_server.shown = shown

if __name__ == "__main__":
    atm_server.main()
