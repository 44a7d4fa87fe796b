"""Confirms without paying out.

    atm_client_pays_nothing.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def move_notes(verb, amount):
    pass


atm_client.move_notes = move_notes

if __name__ == "__main__":
    atm_client.main()
