"""Confirms a transaction that it finds open, whether or not it has paid.

    atm_client_confirms_unpaid.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def settle(line, journal):
    if not is_moving:
        journal.execute("UPDATE open SET settle_by = 'CONFIRM'")
    correct_settle(line, journal)


def move(line, journal, verb, amount):
    is_moving.append(True)
    return correct_move(line, journal, verb, amount)


is_moving = []
correct_settle, atm_client.settle = atm_client.settle, settle
correct_move, atm_client.move = atm_client.move, move

if __name__ == "__main__":
    atm_client.main()
