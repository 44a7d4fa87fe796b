"""Takes every `OK` with its id for the outcome.

    atm_client_takes_any_outcome.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


def is_outcome_of(request, outcome):
    return True


atm_client.is_outcome_of = is_outcome_of

if __name__ == "__main__":
    atm_client.main()
