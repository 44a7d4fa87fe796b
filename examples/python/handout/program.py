"""What stands around the few lines of socket talk in every program here: a command line with a
client and a server half, the accept loop, the question to the user, and "one recv is one message".

That last one is the hand-outs' wording, and wrong in general: TCP keeps no borders, so two messages
sent in a row may arrive as one, and a long one as two. It holds only while the two sides take
turns, and where they do not, a pause makes it likely. ../framing.py has what keeps borders.
"""

import argparse
import contextlib
import socket
import sys
import threading
import time

PAUSE = 0.05  # seconds between two messages in one direction
IDLE = 60  # seconds to wait for the other side
LONGEST = 1024


def hear(connection: socket.socket) -> str:
    """One message. EOFError when the other side has closed."""
    data = connection.recv(LONGEST)
    if not data:
        raise EOFError("the other side closed the connection")
    return data.decode(errors="replace")  # a character may be cut at the border


def tell(connection: socket.socket, text: str) -> None:
    connection.sendall(text.encode())


def exactly(connection: socket.socket, count: int) -> bytes:
    """So many bytes, in as many pieces as they come. EOFError when they do not."""
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError(f"closed {len(data)} bytes into {count}")
        data += piece
    return data


def to_the_end(connection: socket.socket) -> str:
    """All until the other side closes, at most one message's worth."""
    data = b""
    while len(data) < LONGEST and (piece := connection.recv(LONGEST - len(data))):
        data += piece
    return data.decode(errors="replace")


def pause() -> None:
    time.sleep(PAUSE)


def ask(prompt: str) -> str:
    """A line from the user. EOFError at the end of the input."""
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError("end of input")
    return line.rstrip("\r\n")


def show(text: str) -> None:
    """Prints what the other side said, without what moves the cursor; a line end may."""
    safe = (c if c.isprintable() or c == "\n" else f"\\u{{{ord(c):x}}}" for c in text)
    print("".join(safe), flush=True)


def warn(text: str) -> None:
    """What this program says itself; what the server said goes to the standard output."""
    print(text, file=sys.stderr, flush=True)


def connect(options: argparse.Namespace) -> socket.socket:
    """A connection to --server."""
    host, _, port = options.server.rpartition(":")
    connection = socket.create_connection((host, int(port)), options.timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def open_udp(options: argparse.Namespace) -> socket.socket:
    """A UDP socket on which only --server is heard."""
    host, _, port = options.server.rpartition(":")
    connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connection.settimeout(5)
    connection.connect((host, int(port)))
    return connection


def serve_tcp(name: str, port: int, serve, options) -> None:
    """A thread for each connection. Whatever one client sends, the others are served on."""

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            connection.settimeout(IDLE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(connection, options)
            # Unread bytes would make the close a reset, which overtakes our last words.
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.5)
            connection.recv(65_536)

    with socket.create_server(("127.0.0.1", port)) as listener:
        print(f"listening {name} tcp 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=one, args=(connection,), daemon=True).start()


def serve_udp(name: str, port: int, answer, options) -> None:
    """Answers each datagram by itself, or not, where `answer` gives None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(("127.0.0.1", port))
        print(f"listening {name} udp 127.0.0.1:{service.getsockname()[1]}", flush=True)
        while True:
            with contextlib.suppress(OSError):  # one client that is gone is no reason to end
                datagram, sender = service.recvfrom(LONGEST)
                reply = answer(datagram.decode(errors="replace"), options)
                if reply is not None and sender != service.getsockname():
                    service.sendto(reply.encode(), sender)


def main(name: str, port: int, client, server, *, udp: bool = False, add_options=None) -> None:
    """NAME.py client --server HOST:PORT, or NAME.py server --port PORT."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    halves = parser.add_subparsers(dest="half", required=True)
    asking, serving = halves.add_parser("client"), halves.add_parser("server")
    asking.add_argument("--server", default=f"127.0.0.1:{port}", metavar="HOST:PORT")
    if not udp:
        seconds = {"type": float, "default": IDLE, "metavar": "SECONDS"}
        asking.add_argument("--timeout", **seconds, help="the longest wait for an answer")
    serving.add_argument("--port", type=int, default=port)
    if add_options:
        add_options(asking, serving)
    options = parser.parse_args()
    try:
        if options.half == "server":
            (serve_udp if udp else serve_tcp)(name, options.port, server, options)
        else:
            client(options)
    except KeyboardInterrupt:
        pass
    except EOFError as end:
        if str(end) != "end of input":
            sys.exit(str(end))
    except OSError as error:
        sys.exit(str(error))
