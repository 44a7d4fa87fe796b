"""Does not reset the count of wrong PINs after a right one.

    atm_server_right_pin_keeps_count.py --port 9005 --ledger bank.db
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def forget_wrong_pins(ledger, card):
    pass


atm_server.forget_wrong_pins = forget_wrong_pins

if __name__ == "__main__":
    atm_server.main()
