"""Accepts every word as the name of a machine.

    atm_server_any_terminal.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

atm_server.GRAMMAR["TERMINAL"] = "([^ ]+)"

if __name__ == "__main__":
    atm_server.main()
