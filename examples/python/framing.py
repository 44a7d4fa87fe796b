"""Messages over TCP, which carries bytes and no borders between them: one recv may return half a
message, or three. A framing draws the borders: "netstring" 8:PRIME 97, "len3" 008PRIME 97 or "line"
PRIME 97 and a line feed. Read from connection.makefile("rb"): its read(n) returns fewer than n
bytes only at the end of the stream.
"""

import re
import socket
from typing import BinaryIO

LONGEST = {"netstring": 65_536, "len3": 255, "line": 65_536}  # bytes of payload

SKIPPED = "\ud800"  # in the place of a line that was too long


class FramingError(Exception):
    """What came, or what is to be sent, is no message of this framing."""

    code = "malformed"


class TooLong(FramingError):
    """It would be one, were it shorter."""

    code = "too-long"


class LineTooLong(TooLong):
    """The stream is in step again after the next line feed."""

    def __init__(self, begin: bytes):
        super().__init__(f"a line has at most {LONGEST['line']} bytes, this one is too long")
        self.begin = begin


def encode(text: str, wire: str) -> bytes:
    """The message as it is sent."""
    payload = text.encode()
    if len(payload) > LONGEST[wire]:
        raise TooLong(f"{len(payload)} bytes do not fit a message of {LONGEST[wire]}")
    if wire == "netstring":
        return b"%d:%s," % (len(payload), payload)
    if wire == "len3":
        return b"%03d%s" % (len(payload), payload)
    if b"\n" in payload or payload.endswith(b"\r"):
        raise FramingError("a line holds no line feed")
    return payload + b"\n"


def send(connection: socket.socket, text: str, wire: str) -> None:
    """Sends one message, all of it: send alone may take only a part."""
    connection.sendall(encode(text, wire))


def receive(reader: BinaryIO, wire: str, errors: str = "strict") -> str | None:
    """The next message, or None where the stream ends between two messages. A server goes on after
    one that is not UTF-8, and after a line too long: with errors="surrogateescape" both come all
    the same, and why_unreadable says what to answer.
    """
    read = {"netstring": _netstring, "len3": _len3, "line": _line}[wire]
    try:
        payload = read(reader)
    except LineTooLong as error:
        if errors == "strict":
            raise
        _skip_line(reader, error.begin)
        return SKIPPED
    try:
        return None if payload is None else payload.decode(errors=errors)
    except UnicodeDecodeError:
        raise FramingError("the message is not UTF-8") from None


def why_unreadable(request: str) -> str | None:
    """The answer to a message that is no text, after which the next one can be read."""
    if request == SKIPPED:
        return f"ERR too-long a line has at most {LONGEST['line']} bytes"
    if any("\ud800" <= c <= "\udfff" for c in request):
        return "ERR malformed the message is not UTF-8"
    return None


def _netstring(reader: BinaryIO) -> bytes | None:
    header = b""
    while not header.endswith(b":"):
        byte = reader.read(1)
        if not byte and not header:
            return None
        if not byte:
            raise FramingError("closed inside the length")
        header += byte
        _check_header(header)
    payload = _exactly(reader, _length(header[:-1], "netstring"))
    if _exactly(reader, 1) != b",":
        raise FramingError("no comma behind the netstring")
    return payload


def _check_header(header: bytes) -> None:
    """Refuses what cannot become a length and a colon as soon as that is certain."""
    if not re.fullmatch(rb"(?:0|[1-9][0-9]*):?", header):
        raise FramingError(f"{header!r} is no length, with which a netstring begins")
    if len(header.removesuffix(b":")) > 5:
        raise TooLong(f"a message has at most {LONGEST['netstring']} bytes: five digits")


def _len3(reader: BinaryIO) -> bytes | None:
    header = reader.read(3)
    if not header:
        return None
    if len(header) < 3:
        raise FramingError("closed inside the length")
    return _exactly(reader, _length(header, "len3"))


def _line(reader: BinaryIO) -> bytes | None:
    line = reader.readline(LONGEST["line"] + 2)  # with CR and LF, and never more
    if not line:
        return None
    payload = line.removesuffix(b"\n").removesuffix(b"\r")
    if len(payload) > LONGEST["line"]:
        raise LineTooLong(line)
    if not line.endswith(b"\n"):
        raise FramingError("closed inside a line")
    return payload


def _skip_line(reader: BinaryIO, line: bytes) -> None:
    while not line.endswith(b"\n"):
        line = reader.readline(LONGEST["line"])
        if not line:
            raise FramingError("closed inside a line")


def _length(digits: bytes, wire: str) -> int:
    """A length is ASCII digits and nothing else: int() alone takes +12, 1_0 and blanks too. It is
    checked before anything is read, so that nobody makes us wait for, or keep, a gigabyte.
    """
    if not digits.isdigit():
        raise FramingError(f"{digits!r} is no length")
    if int(digits) > LONGEST[wire]:
        raise TooLong(f"a message of {int(digits)} bytes, more than {LONGEST[wire]}")
    return int(digits)


def _exactly(reader: BinaryIO, count: int) -> bytes:
    data = reader.read(count)
    if len(data) < count:
        raise FramingError(f"closed {len(data)} bytes into {count}")
    return data


def hang_up(connection: socket.socket) -> None:
    """Closes so that our last words arrive: a socket that is closed with bytes unread is reset, and
    the reset overtakes them. So end our direction, and read what is on its way for a moment.
    """
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.5)
        for _ in range(64):
            if not connection.recv(65_536):
                break
    except OSError:
        pass  # the other side has gone
    connection.close()


def connect(server: str, timeout: float) -> socket.socket:
    """A connection to HOST:PORT. Everything done with it fails after this many seconds."""
    host, _, port = server.rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def printable(text: str) -> str:
    """What a stranger said, without what moves the cursor or hides words."""
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)
