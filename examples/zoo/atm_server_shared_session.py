"""Keeps who is logged in in a global variable.

    atm_server_shared_session.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

session = {}


def answer(ledger, request, _):
    return correct(ledger, request, session)


correct, atm_server.answer = atm_server.answer, answer

if __name__ == "__main__":
    atm_server.main()
