"""Settles for everybody who knows the id.

    atm_server_settles_without_key.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def why_not_theirs(row, key, card):
    return None if row else correct(row, key, card)


correct, atm_server.why_not_theirs = atm_server.why_not_theirs, why_not_theirs

if __name__ == "__main__":
    atm_server.main()
