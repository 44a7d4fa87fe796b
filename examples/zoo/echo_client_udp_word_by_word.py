"""Sends each word in a datagram of its own.

    echo_client_udp_word_by_word.py --udp "Hello, world"
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_client


def over_udp(server, data):
    words = [correct(server, word) for word in data.split(b" ")]
    return b" ".join(words)


correct, echo_client.over_udp = echo_client.over_udp, over_udp

if __name__ == "__main__":
    echo_client.main()
