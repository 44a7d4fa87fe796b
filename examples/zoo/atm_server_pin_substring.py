"""Looks whether the PIN is a part of the one on record.

    atm_server_pin_substring.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def scrypt(pin, salt):
    return pin.encode()


def pin_matches(pin, account):
    return account is not None and pin.encode() in account["pin_hash"]


atm_server.scrypt = scrypt
atm_server.pin_matches = pin_matches

if __name__ == "__main__":
    atm_server.main()
