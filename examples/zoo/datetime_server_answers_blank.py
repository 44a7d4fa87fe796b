"""Answers a datagram of only white space.

    datetime_server_answers_blank.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    return correct(datagram) if datagram.strip() else b"ERR unknown-verb"


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
