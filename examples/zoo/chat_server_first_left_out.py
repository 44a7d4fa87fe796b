"""Sends a line to all but the first member.

    chat_server_first_left_out.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def say(name, text, member):
    for outbound, _ in list(chat_server.room.values())[1:]:
        outbound.put(f"EVENT said {name} {text}")
    return "OK said"


chat_server.say = say

if __name__ == "__main__":
    chat_server.main()
