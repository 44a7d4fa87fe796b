"""Sends a question once, and waits for its answer without a time-out.

    handout_datetime_client_waits_for_ever.py client --server 127.0.0.1:43387
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import datetime_udp
import program


def ask_once(connection, request):
    connection.settimeout(None)
    connection.send(request.encode())
    return connection.recv(1024).decode(errors="replace")


datetime_udp.ask_once = ask_once

if __name__ == "__main__":
    program.main(
        "datetime",
        43387,
        datetime_udp.client,
        datetime_udp.server,
        udp=True,
        add_options=datetime_udp.add_options,
    )
