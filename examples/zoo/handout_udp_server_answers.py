"""Answers its datagram.

    handout_udp_server_answers.py server --port 65432
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import program
import udp


def server(datagram, _options):
    return datagram


if __name__ == "__main__":
    program.main("udp", 65432, udp.client, server, udp=True)
