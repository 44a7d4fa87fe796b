"""Writes to its journal when the bank has answered.

    atm_client_journals_after_answer.py --card 123456789 withdraw 500
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client

requested = []


def note_request(journal, transaction, amount, key):
    requested.append((transaction, amount, key))


def note_held(journal):
    time.sleep(0.2)  # the disk is slow
    correct_note_request(journal, *requested.pop())
    correct_note_held(journal)


def settle(line, journal):
    if requested:  # refused, or not answered
        correct_note_request(journal, *requested.pop())
    correct_settle(line, journal)


correct_note_request, atm_client.note_request = atm_client.note_request, note_request
correct_note_held, atm_client.note_held = atm_client.note_held, note_held
correct_settle, atm_client.settle = atm_client.settle, settle

if __name__ == "__main__":
    atm_client.main()
