"""Takes what one recv returns for the answer.

    handout_text_menu_client_one_recv.py client --server 127.0.0.1:1234
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import program
import text_menu

text_menu.to_the_end = program.hear

if __name__ == "__main__":
    program.main("text-menu", 1234, text_menu.client, text_menu.server)
