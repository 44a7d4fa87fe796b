"""Pays out again what it finds open and paid.

    atm_client_pays_twice.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client

is_paid = []


def move_notes(verb, amount):
    correct_move_notes(verb, amount)
    is_paid.append(True)


def settle(line, journal):
    row = journal.execute("SELECT amount FROM open WHERE settle_by = 'CONFIRM'").fetchone()
    if row and not is_paid:
        correct_move_notes("WITHDRAW", row[0])
    correct_settle(line, journal)


correct_move_notes, atm_client.move_notes = atm_client.move_notes, move_notes
correct_settle, atm_client.settle = atm_client.settle, settle

if __name__ == "__main__":
    atm_client.main()
