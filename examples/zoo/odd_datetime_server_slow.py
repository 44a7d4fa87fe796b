"""Takes its time for each answer.

    odd_datetime_server_slow.py --port 9010
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    time.sleep(0.1)
    return correct(datagram)


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
