"""Writes the year as it is in the tm of C, counted from 1900.

    datetime_server_years_since_1900.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    reply = correct(datagram)
    if datagram.strip() != b"SEND_DATE":
        return reply
    year, month, day = reply.removeprefix(b"OK ").split(b"-")
    return b"OK %04d-%s-%s" % (int(year) - 1900, month, day)


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
