"""Collects its answers for a moment, and sends all of them at once.

    odd_text_server_glues.py --port 9006
"""

import pathlib
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server

waiting = {}  # what is to be sent, over each connection
lock = threading.Lock()


def send(connection, text, wire):
    with lock:
        if connection not in waiting:
            waiting[connection] = b""
            threading.Timer(0.02, flush, [connection]).start()
        waiting[connection] += framing.encode(text, wire)


def flush(connection):
    with lock:
        try:
            connection.sendall(waiting.pop(connection, b""))
        except OSError:
            pass  # the client has gone


def hang_up(connection):
    flush(connection)
    framing.hang_up(connection)


text_server.send, text_server.hang_up = send, hang_up

if __name__ == "__main__":
    text_server.main()
