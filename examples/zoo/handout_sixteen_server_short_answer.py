"""Answers with 15 octets, where a message has 16.

    handout_sixteen_server_short_answer.py server --port 8888
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import program
import sixteen


def server(connection, _options):
    program.exactly(connection, 16)
    connection.sendall(b"BYE BYE CLIENT.")


if __name__ == "__main__":
    program.main("sixteen", 8888, sixteen.client, server)
