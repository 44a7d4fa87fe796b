"""Rolls back when the answer to `CONFIRM` is lost.

    atm_client_rolls_back_after_notes.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def settle(line, journal):
    row = journal.execute("SELECT id, key FROM open WHERE settle_by = 'CONFIRM'").fetchone()
    if row:
        try:
            line.once(f"CONFIRM {row[0]} {row[1]}")
        except atm_client.Lost:
            journal.execute("UPDATE open SET settle_by = 'ROLLBACK'")
    correct(line, journal)


correct, atm_client.settle = atm_client.settle, settle

if __name__ == "__main__":
    atm_client.main()
