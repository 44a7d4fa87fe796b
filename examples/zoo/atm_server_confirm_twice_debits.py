"""Moves the money at each `CONFIRM`.

    atm_server_confirm_twice_debits.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def settle(ledger, movement, outcome, key, card):
    reply = correct(ledger, movement, outcome, key, card)
    if reply.endswith("confirmed, repeat"):
        with atm_server.transaction(ledger):
            row = atm_server.movement_of(ledger, movement)
            change = row["cents"] if movement.startswith("DEP") else -row["cents"]
            ledger.execute(
                "UPDATE account SET posted = posted + ? WHERE card = ?", (change, row["card"])
            )
    return reply


correct, atm_server.settle = atm_server.settle, settle

if __name__ == "__main__":
    atm_server.main()
