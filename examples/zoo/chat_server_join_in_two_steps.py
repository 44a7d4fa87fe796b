"""Makes the list of members, and adds the new one a moment later.

    chat_server_join_in_two_steps.py --port 9008
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def join(name, member, wire):
    others = dict(chat_server.room)
    chat_server.lock.release()
    time.sleep(0.05)  # here others join
    chat_server.lock.acquire()
    reply = correct(name, member, wire)
    if not reply.startswith("OK"):
        return reply
    words = f"OK joined {name}"
    return chat_server.listed(f"{words} with", list(others), wire) if others else words


correct, chat_server.join = chat_server.join, join

if __name__ == "__main__":
    chat_server.main()
