"""Carries out the same id with another amount.

    atm_server_mismatch_executes.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def repeated(ledger, row, cents, key, card):
    if row["status"] == "held" and row["cents"] != cents and card == row["card"]:
        account = atm_server.account_of(ledger, card)
        _, reply = atm_server.decide(ledger, account, row["id"], cents)
        new = (row["cents"] + cents, row["id"])
        ledger.execute("UPDATE movement SET cents = ? WHERE id = ?", new)
        return reply
    return correct(ledger, row, cents, key, card)


correct, atm_server.repeated = atm_server.repeated, repeated

if __name__ == "__main__":
    atm_server.main()
