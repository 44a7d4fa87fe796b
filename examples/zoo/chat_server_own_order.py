"""Sends a line to its sender first, and to the others when there is time.

    chat_server_own_order.py --port 9008
"""

import pathlib
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def say(name, text, member):
    event = f"EVENT said {name} {text}"
    member[0].put(event)
    others = [outbound for outbound, _ in chat_server.room.values() if outbound is not member[0]]
    threading.Timer(0.1, lambda: [outbound.put(event) for outbound in others]).start()
    return "OK said"


chat_server.say = say

if __name__ == "__main__":
    chat_server.main()
