"""Uses one id for all of its withdrawals.

    atm_client_one_id.py --card 123456789 withdraw 500
"""

import pathlib
import sys
import uuid

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def new_id(verb):
    number = uuid.uuid5(uuid.NAMESPACE_DNS, verb)
    return f"{correct(verb).partition('_')[0]}_{number}"


correct, atm_client.new_id = atm_client.new_id, new_id

if __name__ == "__main__":
    atm_client.main()
