"""Answers `CONFIRM` and `ROLLBACK` of what was declined with `unknown-id`.

    atm_server_declined_can_be_confirmed.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def settle(ledger, movement, outcome, key, card):
    reply = correct(ledger, movement, outcome, key, card)
    return "ERR unknown-id no such hold" if reply.startswith("ERR declined") else reply


correct, atm_server.settle = atm_server.settle, settle

if __name__ == "__main__":
    atm_server.main()
