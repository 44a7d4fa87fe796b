"""Waits before each message.

    odd_atm_client_slow.py --card 123456789 withdraw 500
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client
import framing


def send(connection, text, wire):
    time.sleep(0.3)
    framing.send(connection, text, wire)


atm_client.send = send

if __name__ == "__main__":
    atm_client.main()
