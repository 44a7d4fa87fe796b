"""Converts the result to a float.

    calc_client_floats.py --name Adarsh "12 + 42"
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_client


def printable(text):
    try:
        return str(float(text))
    except ValueError:
        return correct(text)


correct, calc_client.printable = calc_client.printable, printable

if __name__ == "__main__":
    calc_client.main()
