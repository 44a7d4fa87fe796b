"""Answers with the date and the time by turns, whatever is asked.

    datetime_server_by_turns.py --port 9010
"""

import itertools
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    if datagram.strip() in (b"SEND_DATE", b"SEND_TIME"):
        return correct(next(turns))
    return correct(datagram)


turns = itertools.cycle((b"SEND_DATE", b"SEND_TIME"))
correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
