"""Ends after its first client, as the printed one does.

    handout_knock_knock_server_ends.py server --port 9011
"""

import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import knock_knock
import program


def server(connection, options):
    knock_knock.server(connection, options)
    connection.close()
    os._exit(0)


if __name__ == "__main__":
    program.main("knock-knock", 9011, knock_knock.client, server)
