"""Does not end after `q`.

    calc_client_goes_on_after_q.py --name Adarsh "12 + 42"
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_client


def talk(expressions, name, server, wire):
    return correct((line for line in expressions if line.strip() != "q"), name, server, wire)


correct, calc_client.talk = calc_client.talk, talk

if __name__ == "__main__":
    calc_client.main()
