"""Serves one client after the other, in one thread.

    echo_server_one_client.py --port 9009
"""

import pathlib
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


def serve_tcp(connection):
    with one_at_a_time:
        correct(connection)


one_at_a_time = threading.Lock()
correct, echo_server.serve_tcp = echo_server.serve_tcp, serve_tcp

if __name__ == "__main__":
    echo_server.main()
