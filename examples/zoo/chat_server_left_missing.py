"""Does not announce that a member has left.

    chat_server_left_missing.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def leave(name, _):
    with chat_server.lock:
        if name:
            chat_server.room.pop(name, None)


chat_server.leave = leave

if __name__ == "__main__":
    chat_server.main()
