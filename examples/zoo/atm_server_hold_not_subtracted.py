"""Does not subtract what is held from what is available.

    atm_server_hold_not_subtracted.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def available_of(ledger, account):
    return account["posted"]


atm_server.available_of = available_of

if __name__ == "__main__":
    atm_server.main()
