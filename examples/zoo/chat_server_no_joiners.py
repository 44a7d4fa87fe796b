"""Refuses joiners and variation selectors wherever they are.

    chat_server_no_joiners.py --port 9008
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server

chat_server.NEEDED = re.compile("(?!)")  # matches nothing

if __name__ == "__main__":
    chat_server.main()
