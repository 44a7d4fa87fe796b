"""Takes whatever answer comes for the one to its request.

    datetime_client_takes_a_time_for_a_date.py watch --count 5
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_client

either = "OK ([0-9:-]+)"
datetime_client.FORMS = {"SEND_DATE": either, "SEND_TIME": either}

if __name__ == "__main__":
    datetime_client.main()
