"""Refuses as `out-of-time` every number of 2^64 or more.

    odd_text_server_small_primes.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server

text_server.LARGEST = 2**64 - 1

if __name__ == "__main__":
    text_server.main()
