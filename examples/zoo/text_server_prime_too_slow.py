"""Divides by every number up to the root.

    text_server_prime_too_slow.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def is_prime(number):
    if number < 2:
        return False
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 1
    return True


text_server.is_prime = is_prime

if __name__ == "__main__":
    text_server.main()
