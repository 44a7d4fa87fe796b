"""Sends a question mark for each letter that is not ASCII.

    echo_client_ascii.py "Hello, world"
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_client


def over_tcp(server, data):
    sent = data.decode().encode("ascii", errors="replace")
    return data if correct(server, sent) == sent else b""


correct, echo_client.over_tcp = echo_client.over_tcp, over_tcp

if __name__ == "__main__":
    echo_client.main()
