"""Leaves the money on hold when a withdrawal is rolled back.

    atm_server_rollback_keeps_hold.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def held(ledger, card, kind):
    rows = ledger.execute(
        "SELECT id, cents FROM movement WHERE card = ? AND status IN ('held', 'rolled back')",
        (card,),
    )
    return sum(row["cents"] for row in rows if row["id"].startswith(kind))


atm_server.held = held

if __name__ == "__main__":
    atm_server.main()
