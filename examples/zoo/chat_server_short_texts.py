"""Refuses a text of exactly the longest length.

    chat_server_short_texts.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server

chat_server.LONGEST_TEXT = {wire: most - 1 for wire, most in chat_server.LONGEST_TEXT.items()}

if __name__ == "__main__":
    chat_server.main()
