"""Refuses an unknown card at once.

    atm_server_unknown_card_is_quick.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def log_in(ledger, login, card, pin, session):
    with atm_server.lock:
        is_known = atm_server.account_of(ledger, card) is not None
    if is_known:
        return correct(ledger, login, card, pin, session)
    atm_server.end_session(session)
    with atm_server.transaction(ledger):
        return atm_server.judge_login(ledger, login, card, None, False)


correct, atm_server.log_in = atm_server.log_in, log_in

if __name__ == "__main__":
    atm_server.main()
