"""Goes on when the server has closed the connection.

    handout_chat_client_goes_on.py client --server 127.0.0.1:5000
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import chat
import program


def hear(connection):
    while True:
        try:
            return program.hear(connection)
        except (EOFError, OSError):
            time.sleep(0.1)


chat.hear = hear

if __name__ == "__main__":
    program.main("chat", 5000, chat.client, chat.server)
