"""Asks for the date and the time in one question.

    handout_datetime_client_one_question.py client --server 127.0.0.1:43387
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import datetime_udp
import program


def ask_once(connection, _request):
    return correct(connection, "SEND_DATETIME")


correct, datetime_udp.ask_once = datetime_udp.ask_once, ask_once

if __name__ == "__main__":
    program.main(
        "datetime",
        43387,
        datetime_udp.client,
        datetime_udp.server,
        udp=True,
        add_options=datetime_udp.add_options,
    )
