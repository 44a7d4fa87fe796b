"""Writes the time with AM and PM.

    datetime_server_twelve_hours.py --port 9010
"""

import datetime
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    if datagram.strip() == b"SEND_TIME":
        return datetime.datetime.now().strftime("OK %I:%M:%S %p").encode()
    return correct(datagram)


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
