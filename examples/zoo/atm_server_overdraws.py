"""Does not look whether there is enough.

    atm_server_overdraws.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def decide(ledger, account, movement, cents):
    status, reply = correct(ledger, account, movement, cents)
    if reply.startswith("ERR insufficient-funds"):
        return "held", f"OK {movement} held {atm_server.shown(cents)}, available 0.00"
    return status, reply


def available_of(ledger, account):
    return max(0, correct_available_of(ledger, account))


correct, atm_server.decide = atm_server.decide, decide
correct_available_of, atm_server.available_of = atm_server.available_of, available_of

if __name__ == "__main__":
    atm_server.main()
