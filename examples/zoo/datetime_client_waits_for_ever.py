"""Waits for the answer without a time-out.

    datetime_client_waits_for_ever.py watch --count 5
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_client


def ask(connection, request):
    connection.settimeout(None)
    connection.send(request.encode())
    while True:
        reply = connection.recv(2048).decode(errors="replace")
        found = re.fullmatch(datetime_client.FORMS[request], reply)
        if found:
            return found[1]


datetime_client.ask = ask

if __name__ == "__main__":
    datetime_client.main()
