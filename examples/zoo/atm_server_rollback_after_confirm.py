"""Rolls back what was confirmed.

    atm_server_rollback_after_confirm.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def settle(ledger, movement, outcome, key, card):
    reply = correct(ledger, movement, outcome, key, card)
    if outcome == "rolled back" and reply.startswith("ERR already-confirmed"):
        with atm_server.transaction(ledger):
            row = atm_server.movement_of(ledger, movement)
            change = -row["cents"] if movement.startswith("DEP") else row["cents"]
            ledger.execute(
                "UPDATE account SET posted = posted + ? WHERE card = ?", (change, row["card"])
            )
            ledger.execute("UPDATE movement SET status = ? WHERE id = ?", (outcome, movement))
        return f"OK {movement} rolled back"
    return reply


correct, atm_server.settle = atm_server.settle, settle

if __name__ == "__main__":
    atm_server.main()
