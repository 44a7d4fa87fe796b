"""Compares a request with the line feed that `nc` sends after it.

    datetime_server_keeps_white_space.py --port 9010
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    reply = correct(datagram)
    is_padded = reply is not None and datagram != datagram.strip()
    return b"ERR unknown-verb" if is_padded and reply.startswith(b"OK") else reply


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
