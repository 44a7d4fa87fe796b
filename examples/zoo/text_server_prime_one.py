"""Takes 1 for a prime.

    text_server_prime_one.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def is_prime(number):
    return number == 1 or correct(number)


correct, text_server.is_prime = text_server.is_prime, is_prime

if __name__ == "__main__":
    text_server.main()
