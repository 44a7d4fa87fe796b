"""Serves one client after the other.

    handout_accepted_server_one_client.py server --port 8000
"""

import pathlib
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import accepted
import program


def server(connection, options):
    with one_at_a_time:
        accepted.server(connection, options)


one_at_a_time = threading.Lock()


if __name__ == "__main__":
    program.main("accepted", 8000, accepted.client, server)
