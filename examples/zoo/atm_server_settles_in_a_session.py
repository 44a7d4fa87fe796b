"""Settles nothing without a log-in.

    atm_server_settles_in_a_session.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def why_not_theirs(row, key, card):
    return correct(row, key, card) if card else "ERR not-logged-in log in first"


correct, atm_server.why_not_theirs = atm_server.why_not_theirs, why_not_theirs

if __name__ == "__main__":
    atm_server.main()
