"""Refuses with the code and the id, and without words.

    odd_atm_server_terse.py --port 9005 --ledger bank.db
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def answer(ledger, request, session):
    reply = correct(ledger, request, session)
    refusal = re.match(f"ERR [a-z-]+(?: [A-Z]+_{atm_server.UUID})?", reply)
    return refusal[0] if refusal else reply


correct, atm_server.answer = atm_server.answer, answer

if __name__ == "__main__":
    atm_server.main()
