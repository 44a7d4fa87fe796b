"""Sets no limit on a balance.

    atm_server_no_largest_balance.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def decide(ledger, account, movement, cents):
    status, reply = correct(ledger, account, movement, cents)
    if reply.startswith("ERR out-of-range"):
        available = atm_server.shown(atm_server.available_of(ledger, account))
        reply = f"OK {movement} held {atm_server.shown(cents)}, available {available}"
        return "held", reply
    return status, reply


correct, atm_server.decide = atm_server.decide, decide

if __name__ == "__main__":
    atm_server.main()
