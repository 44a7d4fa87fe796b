"""Accepts an id in upper case, or without its hyphens.

    atm_server_any_uuid.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

for verb, grammar in atm_server.GRAMMAR.items():
    atm_server.GRAMMAR[verb] = grammar.replace(atm_server.UUID, "[0-9A-Fa-f-]{32,37}")

if __name__ == "__main__":
    atm_server.main()
