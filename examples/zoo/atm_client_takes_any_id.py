"""Does not look which id an answer names.

    atm_client_takes_any_id.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def is_about(words, subject):
    return True


atm_client.is_about = is_about

if __name__ == "__main__":
    atm_client.main()
