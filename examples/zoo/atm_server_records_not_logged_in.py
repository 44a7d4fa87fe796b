"""Records a refusal for lack of a log-in, and repeats it.

    atm_server_records_not_logged_in.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

refused = {}


def hold(ledger, movement, cents, key, card):
    reply = refused.get(movement) or correct(ledger, movement, cents, key, card)
    if reply.startswith("ERR not-logged-in"):
        refused[movement] = reply
    return reply


correct, atm_server.hold = atm_server.hold, hold

if __name__ == "__main__":
    atm_server.main()
