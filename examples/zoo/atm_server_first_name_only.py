"""Keeps only the first word of a holder's name.

    atm_server_first_name_only.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def create(ledger, creation, card, pin, cents, holder):
    return correct(ledger, creation, card, pin, cents, holder.split()[0])


correct, atm_server.create = atm_server.create, create

if __name__ == "__main__":
    atm_server.main()
