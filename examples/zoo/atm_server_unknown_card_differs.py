"""Says whether it was the card or the PIN.

    atm_server_unknown_card_differs.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def wrong_credentials(account):
    return "ERR wrong-credentials " + ("wrong PIN" if account else "unknown card")


atm_server.wrong_credentials = wrong_credentials

if __name__ == "__main__":
    atm_server.main()
