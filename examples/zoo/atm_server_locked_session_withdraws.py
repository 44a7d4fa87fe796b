"""Looks whether a card is locked at the log-in, and not afterwards.

    atm_server_locked_session_withdraws.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def judge_login(*arguments):
    atm_server.is_locked = correct_is_locked
    try:
        return correct(*arguments)
    finally:
        atm_server.is_locked = is_never_locked


def is_never_locked(ledger, card):
    return False


correct_is_locked, atm_server.is_locked = atm_server.is_locked, is_never_locked
correct, atm_server.judge_login = atm_server.judge_login, judge_login

if __name__ == "__main__":
    atm_server.main()
