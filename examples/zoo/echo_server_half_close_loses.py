"""Closes a moment after the client half-closes, with bytes still to be echoed.

    echo_server_half_close_loses.py --port 9009
"""

import pathlib
import queue
import socket
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import echo_server


def serve_tcp(connection):
    pieces = queue.Queue()
    writer = threading.Thread(target=echo_server.write, args=(connection, pieces), daemon=True)
    writer.start()
    try:
        while data := connection.recv(echo_server.PIECE):
            pieces.put(data)
        pieces.put(None)
        writer.join(timeout=0.2)
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the client has gone
    connection.close()


echo_server.serve_tcp = serve_tcp

if __name__ == "__main__":
    echo_server.main()
