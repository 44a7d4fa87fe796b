"""Ends the greeting with a line feed.

    handout_greeting_server_line_feed.py server --port 1027
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import greeting
import program


def server(connection, _options):
    program.tell(connection, "Socket programming in python\n")


if __name__ == "__main__":
    program.main("greeting", 1027, greeting.client, server)
