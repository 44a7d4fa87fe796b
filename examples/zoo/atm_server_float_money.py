"""Converts money through a float.

    atm_server_float_money.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def cents_of(text):
    exactly = correct(text)
    return int(float(text) * 100) if exactly <= atm_server.MOST else exactly


correct, atm_server.cents_of = atm_server.cents_of, cents_of

if __name__ == "__main__":
    atm_server.main()
