"""Goes on reading when the server has closed the connection.

    handout_text_session_client_goes_on.py client --server 127.0.0.1:9005
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import program
import text_session


def hear(connection):
    while not (data := connection.recv(program.LONGEST)):
        time.sleep(0.1)
    return data.decode(errors="replace")


text_session.hear = hear

if __name__ == "__main__":
    program.main("text-session", 9005, text_session.client, text_session.server)
