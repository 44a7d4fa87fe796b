"""Asks for the date when it is told to ask for the time.

    datetime_client_date_for_time.py watch --count 5
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_client


def ask(connection, request):
    return correct(connection, "SEND_DATE" if sys.argv[-1] == "time" else request)


correct, datetime_client.ask = datetime_client.ask, ask

if __name__ == "__main__":
    datetime_client.main()
