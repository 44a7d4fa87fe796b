"""Compares the amount of a repeat, and not its card.

    atm_server_card_not_compared.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def repeated(ledger, row, cents, key, _card):
    return correct(ledger, row, cents, key, None)


correct, atm_server.repeated = atm_server.repeated, repeated

if __name__ == "__main__":
    atm_server.main()
