"""Settles a transaction that has no key in a session of any card.

    atm_server_settles_for_any_card.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def why_not_theirs(row, key, card):
    if row and not row["key"] and card:
        return correct(row, key, row["card"])
    return correct(row, key, card)


correct, atm_server.why_not_theirs = atm_server.why_not_theirs, why_not_theirs

if __name__ == "__main__":
    atm_server.main()
