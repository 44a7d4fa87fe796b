"""Carries out a repeat as a new request.

    atm_server_no_dedup.py --port 9005 --ledger bank.db
"""

import pathlib
import sys
import uuid

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def repeated(ledger, row, cents, key, card):
    if row["status"] != "held":
        return correct(ledger, row, cents, key, card)
    account = atm_server.account_of(ledger, card or row["card"])
    status, reply = atm_server.decide(ledger, account, row["id"], cents)
    again = f"{row['id'].partition('_')[0]}_{uuid.uuid4()}"
    atm_server.record(ledger, again, account["card"], cents, status, reply, key)
    return reply


correct, atm_server.repeated = atm_server.repeated, repeated

if __name__ == "__main__":
    atm_server.main()
