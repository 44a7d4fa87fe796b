"""Ends at a datagram that is not UTF-8.

    datetime_server_not_text_kills.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    datagram.decode()
    return correct(datagram)


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
