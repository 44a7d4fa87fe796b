"""Answers a datagram that is itself an answer.

    datetime_server_answers_answers.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server

datetime_server.OURS = ()

if __name__ == "__main__":
    datetime_server.main()
