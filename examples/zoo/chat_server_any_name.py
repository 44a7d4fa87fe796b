"""Accepts every name.

    chat_server_any_name.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def why_no_name(name):
    return None if name else correct(name)


correct, chat_server.why_no_name = chat_server.why_no_name, why_no_name

if __name__ == "__main__":
    chat_server.main()
