"""Reads and sends a few bytes at a time.

    odd_echo_server_small_pieces.py --port 9009
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server

echo_server.PIECE = 61
echo_server.WAITING = 0  # any number of pieces

if __name__ == "__main__":
    echo_server.main()
