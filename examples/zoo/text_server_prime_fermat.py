"""Uses Fermat's test, with one base.

    text_server_prime_fermat.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def is_prime(number):
    return number == 2 or number > 2 and pow(2, number - 1, number) == 1


text_server.is_prime = is_prime

if __name__ == "__main__":
    text_server.main()
