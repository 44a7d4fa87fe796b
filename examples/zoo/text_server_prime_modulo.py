"""Reads a number into 64 bits, whatever its length.

    text_server_prime_modulo.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def is_prime(number):
    return correct(number % 2**64)


correct, text_server.is_prime = text_server.is_prime, is_prime
text_server.LARGEST = 10**2000

if __name__ == "__main__":
    text_server.main()
