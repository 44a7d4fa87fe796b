"""Divides floats to see whether one number divides another.

    text_server_prime_float_division.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def is_prime(number):
    for base in text_server.BASES:
        if number > base and (number / base).is_integer():
            return False
    return correct(number)


correct, text_server.is_prime = text_server.is_prime, is_prime

if __name__ == "__main__":
    text_server.main()
