"""Lab 002: the date and the time over UDP. The client asks for a random one of the two every 1 to 2
seconds, again when no answer comes, and says q at the end, which nobody answers.
"""

import datetime
import random
import socket
import time

from program import main, open_udp, show


def server(datagram: str, _options) -> str | None:
    now = datetime.datetime.now()
    if datagram == "SEND_DATE":
        return now.strftime("%Y-%m-%d")
    if datagram == "SEND_TIME":
        return now.strftime("%H:%M:%S")
    # Nothing to the end, to nothing, nor to what could be an answer of another server.
    return None if datagram in ("q", "", "Invalid request") else "Invalid request"


def ask_once(connection: socket.socket, request: str) -> str | None:
    separator = "-" if request == "SEND_DATE" else ":"
    for wait in (0.5, 1, 2):
        connection.settimeout(wait)
        connection.send(request.encode())
        try:
            while separator not in (reply := connection.recv(1024).decode(errors="replace")):
                pass  # the late answer to an earlier question
            return reply
        except TimeoutError:
            pass
    return None


def client(options) -> None:
    with open_udp(options) as connection:
        left = options.count
        while left != 0:
            show(ask_once(connection, random.choice(("SEND_DATE", "SEND_TIME"))) or "no answer")
            left -= 1
            if left:
                time.sleep(random.uniform(*options.gap))
        connection.send(b"q")


def gap(text: str) -> tuple[float, float]:
    shortest, longest = map(float, text.split(".."))
    return shortest, longest


def add_options(asking, _serving) -> None:
    asking.add_argument("--gap", type=gap, default=(1, 2), metavar="MIN..MAX", help="seconds")
    asking.add_argument("--count", type=int, default=-1, help="end after so many")


if __name__ == "__main__":
    main("datetime", 43387, client, server, udp=True, add_options=add_options)
