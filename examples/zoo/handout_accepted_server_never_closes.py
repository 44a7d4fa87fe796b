"""Answers `close` like any other message.

    handout_accepted_server_never_closes.py server --port 8000
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import accepted
import program


def server(connection, _options):
    while True:
        program.hear(connection)
        program.tell(connection, "accepted")


if __name__ == "__main__":
    program.main("accepted", 8000, accepted.client, server)
