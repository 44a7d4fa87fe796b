"""Refuses a wrong PIN at once.

    atm_server_refused_at_once.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

atm_server.REFUSAL = 0

if __name__ == "__main__":
    atm_server.main()
