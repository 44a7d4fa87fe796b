"""Accepts a minus before an amount.

    atm_server_negative_amount.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

for verb in ("WITHDRAW", "DEPOSIT"):
    grammar = atm_server.GRAMMAR[verb]
    atm_server.GRAMMAR[verb] = grammar.replace(atm_server.MONEY, "(-?" + atm_server.MONEY[1:])


def cents_of(text):
    return -correct(text[1:]) if text.startswith("-") else correct(text)


correct, atm_server.cents_of = atm_server.cents_of, cents_of

if __name__ == "__main__":
    atm_server.main()
