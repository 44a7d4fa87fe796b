"""Answers `OK said` before the member has its own line.

    chat_server_answer_before_event.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def say(name, text, member):
    event = f"EVENT said {name} {text}"
    for outbound, _ in chat_server.room.values():
        outbound.put("OK said" if outbound is member[0] else event)
    return event  # which follows


chat_server.say = say

if __name__ == "__main__":
    chat_server.main()
