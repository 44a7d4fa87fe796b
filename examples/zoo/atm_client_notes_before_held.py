"""Pays out before the bank has answered.

    atm_client_notes_before_held.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def note_request(journal, transaction, amount, key):
    correct_note_request(journal, transaction, amount, key)
    correct_move_notes("WITHDRAW" if transaction.startswith("WITH") else "DEPOSIT", amount)


def move_notes(verb, amount):
    pass


correct_note_request, atm_client.note_request = atm_client.note_request, note_request
correct_move_notes, atm_client.move_notes = atm_client.move_notes, move_notes

if __name__ == "__main__":
    atm_client.main()
