"""The chat room's server: every member hears the same events in the same order. Each connection has
two threads, one that reads and one that writes from a queue, so that nobody waits for a member who
does not read.

    chat_server.py --port 9008
"""

import argparse
import contextlib
import queue
import re
import socket
import threading

from framing import LONGEST, FramingError, hang_up, receive, send, why_unreadable

JOINING = 10  # seconds to say a name; after that a member may be silent for ever
UNREAD = 1000  # messages a member may leave unread before it is out
LONGEST_TEXT = {"netstring": 900, "len3": 211, "line": 900}  # bytes; an event has a name before it
RESERVED = (
    *("admin", "all", "chat", "everybody", "everyone"),
    *("here", "operator", "root", "server", "system"),
)

# Control characters, what has the Unicode property Default_Ignorable_Code_Point, and what looks
# blank without being a blank: nobody would see it, or it would move a cursor.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U00013441\U00013442\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# Of these, what scripts and emoji need: one joiner, and one variation selector behind an emoji, an
# ideograph or a Mongolian letter. Which characters are emoji Python does not know: here all symbols.
NEEDED = re.compile(
    "(?<![\u200c\u200d])[\u200c\u200d]"
    r"|(?<=[0-9\u2139]|[^\w\s\u200c\u200d\ufe00-\ufe0f])[\ufe0e\ufe0f]"
    "|(?<=[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
    "[\ufe00-\ufe02\U000e0100-\U000e01ef]"
    "|(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]"
)

# Who is in, in the order of joining: what is to be sent to each, and over what.
room: dict[str, tuple[queue.Queue, socket.socket]] = {}
lock = threading.Lock()  # held for every change and every event: that makes the one order


def tell_all(event: str) -> None:
    """Queues an event for everybody. The caller holds the lock, and nothing here can block."""
    for outbound, connection in room.values():
        outbound.put(event)
        if outbound.qsize() > UNREAD:
            shut(connection)  # both threads of this member notice, and end


def shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may have gone already
        connection.shutdown(socket.SHUT_RDWR)


def join(name: str, member: tuple[queue.Queue, socket.socket], wire: str) -> str:
    taken = taken_by(name)
    if taken or name.lower() in RESERVED:
        return f"ERR name-taken {taken or name} is not free"
    others = list(room)
    tell_all("EVENT joined " + name)
    room[name] = member
    return listed(f"OK joined {name} with", others, wire) if others else "OK joined " + name


def taken_by(name: str) -> str | None:
    """The member who has this name, in whatever case."""
    return next((member for member in room if member.lower() == name.lower()), None)


def listed(words: str, names: list[str], wire: str) -> str:
    """As many names as fit the message, and how many more there are."""
    message, count = " ".join([words, *names]), len(names)
    while len(message) > LONGEST[wire]:
        count -= 1
        message = " ".join([words, *names[:count], f"+{len(names) - count}"])
    return message


def say(name: str, text: str, member: tuple[queue.Queue, socket.socket]) -> str:
    tell_all(f"EVENT said {name} {text}")
    return "OK said"


def leave(name: str | None, reason: str) -> None:
    with lock:
        if name and room.pop(name, None):
            tell_all(f"EVENT left {name} {reason}")


def why_unsayable(text: str, wire: str) -> str | None:
    """Nothing that moves a cursor or hides is passed on to other people's screens."""
    if len(text.encode()) > LONGEST_TEXT[wire]:
        return f"ERR too-long a text has at most {LONGEST_TEXT[wire]} bytes"
    if all(c.isspace() or c in "\u200c\u200d" for c in text):
        return "ERR malformed there is nothing to say"
    if UNSEEN.search(NEEDED.sub("", text)):
        return "ERR malformed the text holds characters that cannot be seen"
    return None


def why_no_name(name: str) -> str | None:
    if len(name) > 32:
        return "ERR too-long a name has at most 32 characters"
    if not re.fullmatch("[A-Za-z0-9_-]+", name):
        return "ERR malformed a name has letters, digits, _ and -"
    return None


def why_malformed(request: str, wire: str) -> str | None:
    """What is wrong with the request, whoever asks."""
    if refusal := why_unreadable(request):
        return refusal
    verb, blank, rest = request.partition(" ")
    if verb in ("WHO", "QUIT"):
        return f"ERR malformed {verb} takes no arguments" if blank else None
    if verb == "JOIN":
        return why_no_name(rest)
    if verb == "SAY":
        return why_unsayable(rest, wire)
    return "ERR unknown-verb known here: JOIN, SAY, WHO, QUIT"


def answer(
    request: str, name: str | None, member: tuple[queue.Queue, socket.socket], wire: str
) -> str | None:
    """Does what is asked, queues the answer, and says who this is afterwards."""
    verb, _, rest = request.partition(" ")
    with lock:
        if reply := why_malformed(request, wire):
            pass
        elif verb == "QUIT":
            reply = "OK bye"
        elif (verb == "JOIN") == (name is not None):
            reply = "ERR out-of-order " + ("QUIT to leave" if name else "JOIN under a name first")
        elif verb == "JOIN":
            reply = join(rest, member, wire)
            name = rest if reply.startswith("OK") else None
        elif verb == "WHO":
            reply = listed("OK here", list(room), wire)
        else:
            reply = say(name, rest, member)
        member[0].put(reply)
    return name


def write(connection: socket.socket, outbound: queue.Queue, wire: str) -> None:
    """Sends what is queued until None comes or the member is lost; then the reader ends too."""
    try:
        while (message := outbound.get()) is not None:
            send(connection, message, wire)
    except OSError:
        shut(connection)  # the member is lost: the reader ends too


def serve(connection: socket.socket, wire: str) -> None:
    """One member, from the first word to the last."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.settimeout(JOINING)
    outbound: queue.Queue = queue.Queue()
    outbound.put("READY chat 1")
    writer = threading.Thread(target=write, args=(connection, outbound, wire), daemon=True)
    writer.start()
    name, reason = None, "disconnected"
    try:
        reader = connection.makefile("rb")
        while (request := receive(reader, wire, "surrogateescape")) is not None:
            name = answer(request, name, (outbound, connection), wire)
            if name:
                connection.settimeout(None)
            if request == "QUIT":
                reason = "quit"
            if request == "QUIT" or outbound.qsize() > UNREAD:
                break
    except FramingError as error:
        outbound.put(f"ERR {error.code} {error}")
        reason = "broke the protocol"
    except TimeoutError:
        outbound.put("ERR too-slow no name in time")
    except OSError:
        pass  # the member has gone
    leave(name, reason)
    outbound.put(None)
    writer.join(timeout=5)
    hang_up(connection)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9008)
    parser.add_argument("--wire", choices=tuple(LONGEST), default="netstring")
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", options.port)) as listener:
        print(f"listening chat tcp 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, options.wire), daemon=True).start()


if __name__ == "__main__":
    main()
