"""Takes several blanks between two words for one.

    atm_server_any_blanks.py --port 9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def answer(ledger, request, session):
    return correct(ledger, " ".join(request.split()), session)


correct, atm_server.answer = atm_server.answer, answer

if __name__ == "__main__":
    atm_server.main()
