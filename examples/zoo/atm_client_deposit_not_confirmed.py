"""Takes a deposit for finished when the notes are in.

    atm_client_deposit_not_confirmed.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def move_notes(verb, amount):
    correct_move_notes(verb, amount)
    if verb == "DEPOSIT":
        journals[0].execute("DELETE FROM open")


journals = []


def open_journal(path):
    journals.append(correct_open_journal(path))
    return journals[0]


correct_move_notes, atm_client.move_notes = atm_client.move_notes, move_notes
correct_open_journal, atm_client.open_journal = atm_client.open_journal, open_journal

if __name__ == "__main__":
    atm_client.main()
