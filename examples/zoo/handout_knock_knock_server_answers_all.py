"""Answers whatever it is sent.

    handout_knock_knock_server_answers_all.py server --port 9011
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import knock_knock
import program


def server(connection, _options):
    program.hear(connection)
    program.tell(connection, "Whose there?")


if __name__ == "__main__":
    program.main("knock-knock", 9011, knock_knock.client, server)
