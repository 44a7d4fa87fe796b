"""The chat room's client: says each line of its input, prints what others say as it comes. A line
"quit" or the end of the input leaves.

    chat_client.py --server 127.0.0.1:9008 --name Adarsh
"""

import argparse
import queue
import sys
import threading

from framing import LONGEST, FramingError, connect, printable, receive, send

TIMEOUT = 10  # seconds to wait for an answer; for an event one waits as long as it takes


def show(event: str, own_name: str) -> None:
    kind, _, rest = event.partition(" ")
    name, _, words = printable(rest).partition(" ")
    if kind == "said" and name != own_name:  # one has typed one's own words oneself
        print(f"{name}: {words}", flush=True)
    elif kind == "joined":
        print(f"{name} has joined", flush=True)
    elif kind == "left":
        print(f"{name} has left ({words})", flush=True)


def listen(reader, wire: str, own_name: str, answers: queue.Queue) -> None:
    """Shows events; puts each answer where the thread that asked waits for it."""
    try:
        while (message := receive(reader, wire)) is not None:
            if message.startswith("EVENT "):
                show(message.removeprefix("EVENT "), own_name)
            else:
                answers.put(message)
    except (OSError, FramingError):
        pass
    answers.put(None)


def talk(lines, name: str, server: str, wire: str) -> int:
    connection = connect(server, TIMEOUT)
    reader = connection.makefile("rb")
    if receive(reader, wire) != "READY chat 1":
        sys.exit(f"{server} is no chat room of this protocol")
    connection.settimeout(None)
    answers: queue.Queue = queue.Queue()
    threading.Thread(target=listen, args=(reader, wire, name, answers), daemon=True).start()

    def ask(request: str) -> str:
        send(connection, request, wire)
        try:
            reply = answers.get(timeout=TIMEOUT)  # one at a time: the next answer is this one's
        except queue.Empty:
            sys.exit(f"{server} does not answer")
        if reply is None:
            sys.exit(f"{server} closed the connection")
        return reply

    joined = ask("JOIN " + name)
    print(printable(joined), file=sys.stderr)
    if not joined.startswith("OK"):
        return 1
    for line in lines:
        line = line.rstrip("\r\n")
        if line.strip() == "quit":
            break
        if line.strip():
            reply = ask("SAY " + line.replace("\t", " "))
            if not reply.startswith("OK"):
                print(printable(reply), file=sys.stderr)
    ask("QUIT")
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:9008", metavar="HOST:PORT")
    parser.add_argument("--wire", choices=tuple(LONGEST), default="netstring")
    parser.add_argument("--name", required=True)
    options = parser.parse_args()
    try:
        sys.exit(talk(sys.stdin, options.name, options.server, options.wire))
    except (OSError, FramingError) as error:
        sys.exit(f"{options.server}: {error}")


if __name__ == "__main__":
    main()
