"""Lets a deposit be spent before it is confirmed.

    atm_server_deposit_spendable.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def available_of(ledger, account):
    return correct(ledger, account) + atm_server.held(ledger, account["card"], "DEP")


def decide(ledger, account, movement, cents):
    status, reply = correct_decide(ledger, account, movement, cents)
    if status == "held" and movement.startswith("DEP"):
        now = atm_server.shown(available_of(ledger, account) + cents)
        reply = f"{reply.partition(', available')[0]}, available {now}"
    return status, reply


correct_decide, atm_server.decide = atm_server.decide, decide
correct, atm_server.available_of = atm_server.available_of, available_of

if __name__ == "__main__":
    atm_server.main()
