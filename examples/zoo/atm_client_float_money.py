"""Converts an amount through a float.

    atm_client_float_money.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def money(text):
    cents = int(float(correct(text)) * 100)
    return f"{cents // 100}.{cents % 100:02}"


correct, atm_client.money = atm_client.money, money

if __name__ == "__main__":
    atm_client.main()
