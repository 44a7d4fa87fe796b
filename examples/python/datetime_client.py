"""Asks for the date or the time over UDP, and again when no answer comes: a datagram may be lost.
That is safe here, because to ask twice is as good as to ask once.

    datetime_client.py --server 127.0.0.1:9010 date
    datetime_client.py watch --count 5
"""

import argparse
import random
import re
import socket
import sys
import time

FORMS = {
    "SEND_DATE": r"OK ([0-9]{4}-[0-9]{2}-[0-9]{2})",
    "SEND_TIME": r"OK ([0-9]{2}:[0-9]{2}:[0-9]{2})",
}


def ask(connection: socket.socket, request: str) -> str | None:
    """The answer, or None when five questions were not answered."""
    for wait in (0.25, 0.5, 1, 2, 4):
        deadline = time.monotonic() + wait
        try:
            connection.send(request.encode())
            while (left := deadline - time.monotonic()) > 0:
                connection.settimeout(left)
                reply = connection.recv(2048).decode(errors="replace")
                found = re.fullmatch(FORMS[request], reply)
                if found:  # else a late answer to another question, or a stray datagram
                    return found.group(1)
        except ConnectionRefusedError:
            time.sleep(max(0, deadline - time.monotonic()))  # nobody listens: perhaps soon
        except TimeoutError:
            pass
    return None


def gap(text: str) -> tuple[float, float]:
    shortest, longest = map(float, text.split(".."))
    return shortest, longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:9010", metavar="HOST:PORT")
    parser.add_argument("--count", type=int, default=0, help="end a watch after so many")
    parser.add_argument("--gap", type=gap, default=(1, 2), metavar="MIN..MAX", help="seconds")
    parser.add_argument("request", choices=("date", "time", "watch"))
    options = parser.parse_args()
    host, _, port = options.server.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect((host, int(port)))  # from now on nobody else's datagrams arrive
        asked = 0
        while True:
            word = (
                random.choice(("date", "time")) if options.request == "watch" else options.request
            )
            reply = ask(connection, "SEND_" + word.upper())
            print(reply or "no answer", file=sys.stdout if reply else sys.stderr, flush=True)
            asked += 1
            if options.request != "watch":
                sys.exit(0 if reply else 3)
            if asked == options.count:
                break
            time.sleep(random.uniform(*options.gap))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
