"""Divides by the numbers below the square root, and not by the root itself.

    text_server_prime_squares.py --port 9006
"""

import math
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def is_prime(number):
    root = math.isqrt(number)
    if root * root == number and correct(root):
        return True
    return correct(number)


correct, text_server.is_prime = text_server.is_prime, is_prime

if __name__ == "__main__":
    text_server.main()
