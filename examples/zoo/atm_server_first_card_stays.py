"""Leaves a session to the card that logged in first.

    atm_server_first_card_stays.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def log_in(ledger, login, card, pin, session):
    first = session.get("card")
    reply = correct(ledger, login, card, pin, session)
    if first and reply.startswith("OK"):
        session["card"] = first
    return reply


correct, atm_server.log_in = atm_server.log_in, log_in

if __name__ == "__main__":
    atm_server.main()
