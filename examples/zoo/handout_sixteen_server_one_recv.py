"""Takes what one recv returns for a message of 16 octets.

    handout_sixteen_server_one_recv.py server --port 8888
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import program
import sixteen


def server(connection, _options):
    program.hear(connection)
    connection.sendall(b"BYE BYE CLIENT...")


if __name__ == "__main__":
    program.main("sixteen", 8888, sixteen.client, server)
