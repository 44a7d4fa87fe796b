"""Looks only at the beginning of a request.

    datetime_server_prefix.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    request = datagram.lstrip(b" \t\n\f\r")
    for known in (b"SEND_DATE", b"SEND_TIME"):
        if request.startswith(known):
            return correct(known)
    return correct(datagram)


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
