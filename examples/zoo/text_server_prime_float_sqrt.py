"""Looks for squares with the square root of a float.

    text_server_prime_float_sqrt.py --port 9006
"""

import math
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def is_prime(number):
    if number > 0 and math.sqrt(number).is_integer():
        return False
    return correct(number)


correct, text_server.is_prime = text_server.is_prime, is_prime

if __name__ == "__main__":
    text_server.main()
