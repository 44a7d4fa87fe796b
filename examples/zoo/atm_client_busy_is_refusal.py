"""Takes `busy` and `unavailable` for the outcome of what it has sent before.

    atm_client_busy_is_refusal.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client

atm_client.NO_ANSWER = ()

if __name__ == "__main__":
    atm_client.main()
