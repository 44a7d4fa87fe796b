"""Knocks with one full stop.

    handout_knock_knock_client_one_full_stop.py client --server 127.0.0.1:9011
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import knock_knock
import program


def tell(connection, text):
    program.tell(connection, text.replace("..", "."))


knock_knock.tell = tell

if __name__ == "__main__":
    program.main("knock-knock", 9011, knock_knock.client, knock_knock.server)
