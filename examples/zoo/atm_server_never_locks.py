"""Lets a PIN be guessed as often as one likes.

    atm_server_never_locks.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def is_locked(ledger, card):
    return False


atm_server.is_locked = is_locked

if __name__ == "__main__":
    atm_server.main()
