"""Answers a repeat as it answered the first.

    atm_server_repeat_unmarked.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def answer(ledger, request, session):
    return correct(ledger, request, session).removesuffix(", repeat")


correct, atm_server.answer = atm_server.answer, answer

if __name__ == "__main__":
    atm_server.main()
