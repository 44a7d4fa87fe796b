"""Answers with the date, also where the time is asked for.

    datetime_server_date_only.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    return correct(datagram.replace(b"SEND_TIME", b"SEND_DATE"))


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
