"""Rolls back whatever it finds open when it starts.

    atm_client_crash_rolls_back.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def open_journal(path):
    journal = correct(path)
    journal.execute("UPDATE open SET settle_by = 'ROLLBACK'")
    return journal


correct, atm_client.open_journal = atm_client.open_journal, open_journal

if __name__ == "__main__":
    atm_client.main()
