"""Answers `QUIT`.

    datetime_server_quit_answered.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    return b"OK bye" if datagram.strip() == b"QUIT" else correct(datagram)


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
