"""Makes ids in upper case.

    atm_client_ids_in_upper_case.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def new_id(verb):
    kind, _, number = correct(verb).partition("_")
    return f"{kind}_{number.upper()}"


correct, atm_client.new_id = atm_client.new_id, new_id

if __name__ == "__main__":
    atm_client.main()
