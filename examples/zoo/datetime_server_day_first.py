"""Writes the day before the month and the year.

    datetime_server_day_first.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    reply = correct(datagram)
    if reply and datagram.strip() == b"SEND_DATE":
        return b"OK " + b"-".join(reversed(reply.removeprefix(b"OK ").split(b"-")))
    return reply


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
