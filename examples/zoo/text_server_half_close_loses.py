"""Stops answering when the client half-closes.

    text_server_half_close_loses.py --port 9006
"""

import pathlib
import select
import socket
import sys
import threading
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server

here = threading.local()


def serve(connection, wire):
    here.connection = connection
    correct_serve(connection, wire)


def answer(request):
    reply = correct_answer(request)
    time.sleep(0.1)  # the answer takes some work
    readable, _, _ = select.select([here.connection], [], [], 0)
    if readable and not here.connection.recv(1, socket.MSG_PEEK):
        raise ConnectionAbortedError("the client has gone")
    return reply


correct_serve, text_server.serve = text_server.serve, serve
correct_answer, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
