"""Answers the rollback of an id that it does not know, and keeps no record of it.

    atm_server_unknown_rollback_not_kept.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def record(ledger, movement, card, *columns):
    if card is not None:
        correct(ledger, movement, card, *columns)


correct, atm_server.record = atm_server.record, record

if __name__ == "__main__":
    atm_server.main()
