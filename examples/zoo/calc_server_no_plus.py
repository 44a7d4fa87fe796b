"""Knows no plus before a number.

    calc_server_no_plus.py --port 9007
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server

calc_server.PARTS = [(part.replace("[+-]?", "-?"), name) for part, name in calc_server.PARTS]

if __name__ == "__main__":
    calc_server.main()
