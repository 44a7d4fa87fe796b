"""Looks whether the card is locked before it looks up the id of a log-in.

    atm_server_log_in_locked_before_lookup.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def judge_login(ledger, login, card, account, matches):
    if atm_server.is_locked(ledger, card):
        return "ERR card-locked three wrong PINs in a row"
    return correct(ledger, login, card, account, matches)


correct, atm_server.judge_login = atm_server.judge_login, judge_login

if __name__ == "__main__":
    atm_server.main()
