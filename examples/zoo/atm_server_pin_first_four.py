"""Compares the first four digits of a PIN.

    atm_server_pin_first_four.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def scrypt(pin, salt):
    return correct(pin[:4], salt)


correct, atm_server.scrypt = atm_server.scrypt, scrypt

if __name__ == "__main__":
    atm_server.main()
