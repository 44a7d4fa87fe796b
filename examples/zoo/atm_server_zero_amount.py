"""Accepts an amount of zero.

    atm_server_zero_amount.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def act(ledger, request, session):
    reply = correct(ledger, request, session)
    if reply == "ERR out-of-range an amount is not zero":
        _, movement, _, *key = request.split(" ")
        return atm_server.hold(ledger, movement, 0, *(key or [None]), session.get("card"))
    return reply


correct, atm_server.act = atm_server.act, act

if __name__ == "__main__":
    atm_server.main()
