"""Answers a repeat with the present balance.

    atm_server_repeat_with_new_balance.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def repeated(ledger, row, cents, key, card):
    reply = correct(ledger, row, cents, key, card)
    if not reply.endswith(", repeat"):
        return reply
    present = atm_server.available_of(ledger, atm_server.account_of(ledger, row["card"]))
    return f"{reply.partition(', available')[0]}, available {atm_server.shown(present)}, repeat"


correct, atm_server.repeated = atm_server.repeated, repeated

if __name__ == "__main__":
    atm_server.main()
