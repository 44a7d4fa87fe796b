"""Does not record a decline.

    atm_server_declines_not_kept.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def record(ledger, movement, card, cents, status, reply, key):
    if status != "declined":
        correct(ledger, movement, card, cents, status, reply, key)


correct, atm_server.record = atm_server.record, record

if __name__ == "__main__":
    atm_server.main()
