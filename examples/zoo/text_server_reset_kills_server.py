"""A reset of one connection ends the server.

    text_server_reset_kills_server.py --port 9006
"""

import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def or_exit(function):
    def call(*arguments):
        try:
            return function(*arguments)
        except ConnectionError as error:
            print(error, file=sys.stderr)
            os._exit(1)

    return call


text_server.receive, text_server.send = or_exit(framing.receive), or_exit(framing.send)

if __name__ == "__main__":
    text_server.main()
