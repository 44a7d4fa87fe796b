"""Does not announce a member that joins.

    chat_server_joined_missing.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def tell_all(event):
    if not event.startswith("EVENT joined"):
        correct(event)


correct, chat_server.tell_all = chat_server.tell_all, tell_all

if __name__ == "__main__":
    chat_server.main()
