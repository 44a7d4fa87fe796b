"""Echo (RFC 862) over TCP, and over UDP. A connection has one thread that reads and one that writes:
a client may send everything before it reads anything.

    echo_server.py --port 9009
"""

import argparse
import queue
import socket
import threading

IDLE = 60  # seconds for which a client may say nothing, or read nothing
PIECE = 65_536  # bytes
WAITING = 1024  # pieces that may wait for a client that sends and does not read


def serve_tcp(connection: socket.socket) -> None:
    """Every byte comes back until the client ends its direction."""
    connection.settimeout(IDLE)
    pieces: queue.Queue = queue.Queue(WAITING)
    writer = threading.Thread(target=write, args=(connection, pieces), daemon=True)
    writer.start()
    try:
        while data := connection.recv(PIECE):
            pieces.put(data)
    except OSError:
        pass  # the client has gone, or says nothing any more
    pieces.put(None)
    writer.join()
    connection.close()


def write(connection: socket.socket, pieces: queue.Queue) -> None:
    """Sends what is queued until None comes."""
    is_lost = False
    while (data := pieces.get()) is not None:
        try:
            if not is_lost:
                connection.sendall(data)
        except OSError:
            is_lost = True  # the reader ends soon; until then it must not wait for a full queue


def serve_udp(service: socket.socket) -> None:
    while True:
        try:
            datagram, sender = service.recvfrom(65_536)
            # Else another echo, or this one: the two would never end.
            if sender[1] >= 1024 and sender != service.getsockname():
                service.sendto(datagram, sender)
        except OSError:
            continue  # one client that cannot be reached is no reason to end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9009)
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", options.port))
    service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    service.bind(("127.0.0.1", options.port))
    print(f"listening echo tcp 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    print(f"listening echo udp 127.0.0.1:{service.getsockname()[1]}", flush=True)
    threading.Thread(target=serve_udp, args=(service,), daemon=True).start()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_tcp, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
