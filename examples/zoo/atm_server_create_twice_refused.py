"""Refuses to create an account that it has created.

    atm_server_create_twice_refused.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def create(ledger, creation, card, pin, cents, holder):
    reply = correct(ledger, creation, card, pin, cents, holder)
    return "ERR account-exists it was created before" if reply.endswith("repeat") else reply


correct, atm_server.create = atm_server.create, create

if __name__ == "__main__":
    atm_server.main()
