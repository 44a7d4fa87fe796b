"""Lets a member call itself `server`.

    chat_server_reserved_names.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server

chat_server.RESERVED = ()

if __name__ == "__main__":
    chat_server.main()
