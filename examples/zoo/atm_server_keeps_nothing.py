"""Keeps accounts and transactions in memory.

    atm_server_keeps_nothing.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def open_ledger(_path):
    return correct(":memory:")


correct, atm_server.open_ledger = atm_server.open_ledger, open_ledger

if __name__ == "__main__":
    atm_server.main()
