"""Sends a line to ten members, and to no more.

    chat_server_ten_members.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def say(name, text, member):
    for outbound, _ in list(chat_server.room.values())[:10]:
        outbound.put(f"EVENT said {name} {text}")
    return "OK said"


chat_server.say = say

if __name__ == "__main__":
    chat_server.main()
