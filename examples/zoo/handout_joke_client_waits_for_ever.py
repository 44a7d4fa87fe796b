"""Sends its joke once, and waits for the answer without a time-out.

    handout_joke_client_waits_for_ever.py client --server 127.0.0.1:43387
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import joke
import program


def client(options):
    with program.open_udp(options) as connection:
        connection.settimeout(None)
        connection.send(joke.JOKE.encode())
        program.show(connection.recv(1024).decode(errors="replace"))


if __name__ == "__main__":
    program.main("joke", 43387, client, joke.server, udp=True)
