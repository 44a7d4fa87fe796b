"""Explains its refusals.

    datetime_server_long_refusal.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    reply = correct(datagram)
    if reply and reply.startswith(b"ERR"):
        return reply + b" known here: SEND_DATE for the date, and SEND_TIME for the time"
    return reply


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
