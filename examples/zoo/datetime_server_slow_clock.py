"""Has a clock that is five minutes slow.

    datetime_server_slow_clock.py --port 9010
"""

import datetime
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def answer(datagram):
    if datagram.strip() == b"SEND_TIME":
        then = datetime.datetime.now() - datetime.timedelta(minutes=5)
        return then.strftime("OK %H:%M:%S").encode()
    return correct(datagram)


correct, datetime_server.answer = datetime_server.answer, answer

if __name__ == "__main__":
    datetime_server.main()
