"""Counts the repeat of a wrong log-in as another wrong PIN.

    atm_server_repeated_log_in_counts.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def known_login(ledger, login, card):
    known = correct(ledger, login, card)
    return known if known and known["succeeded"] else None


correct, atm_server.known_login = atm_server.known_login, known_login

if __name__ == "__main__":
    atm_server.main()
