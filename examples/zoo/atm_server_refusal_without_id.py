"""Refuses without naming the id.

    atm_server_refusal_without_id.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def answer(ledger, request, session):
    return atm_server.act(ledger, request, session)


atm_server.answer = answer

if __name__ == "__main__":
    atm_server.main()
