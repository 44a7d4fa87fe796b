"""Knows the printed requests, and no other.

    handout_text_menu_server_printed_only.py server --port 1234
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import program
import text_menu


ANSWERS = {
    "convert HELLO WORLD": "hello",
    "check 97 prime": "Prime",
    "check 98 prime": "Not Prime",
    "check 12321 palindrome": "Palindrome",
    "check 1234 palindrome": "Not Palindrome",
}


def server(connection, _options):
    program.tell(connection, ANSWERS.get(program.hear(connection), "Invalid request"))


if __name__ == "__main__":
    program.main("text-menu", 1234, text_menu.client, server)
