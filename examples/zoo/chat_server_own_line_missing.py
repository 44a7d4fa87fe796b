"""Does not send a line to the member who said it.

    chat_server_own_line_missing.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def say(name, text, member):
    for outbound, _ in chat_server.room.values():
        if outbound is not member[0]:
            outbound.put(f"EVENT said {name} {text}")
    return "OK said"


chat_server.say = say

if __name__ == "__main__":
    chat_server.main()
