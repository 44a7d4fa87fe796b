"""Takes its time to refuse a log-in.

    odd_atm_server_slow_log_in.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

atm_server.REFUSAL = 1

if __name__ == "__main__":
    atm_server.main()
