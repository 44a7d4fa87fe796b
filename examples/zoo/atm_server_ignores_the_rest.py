"""Ignores words that follow those it needs.

    atm_server_ignores_the_rest.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

for verb in ("WITHDRAW", "DEPOSIT", "CONFIRM", "ROLLBACK"):
    atm_server.GRAMMAR[verb] += "(?: .*[^ ])?"

if __name__ == "__main__":
    atm_server.main()
