"""Leaves a session open when another log-in fails.

    atm_server_failed_log_in_stays.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def end_session(session):
    pass


atm_server.end_session = end_session

if __name__ == "__main__":
    atm_server.main()
