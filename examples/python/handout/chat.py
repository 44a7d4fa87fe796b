"""Lab 002: a chat room. Everybody but the speaker hears a line.

The wording gives up the borders between lines, so each side pauses after each: two that come in a
row may still be shown as one. And a line "quit" cannot be said.
"""

import os
import queue
import socket
import threading
import time

from program import ask, connect, hear, main, pause, show, tell

room: dict[str, queue.Queue] = {}  # name: what it has still to hear
lock = threading.Lock()
GOODBYE = 2  # seconds that the room may take to close after "quit"


def tell_others(name: str, line: str) -> None:
    """The caller holds the lock, so that all hear the same order; nothing here blocks."""
    for other, outbound in room.items():
        if other != name and outbound.qsize() < 1000:  # who does not read misses the rest
            outbound.put(line)


def write(connection: socket.socket, outbound: queue.Queue) -> None:
    """One thread for each member, so that nobody waits for one who does not read."""
    try:
        while (line := outbound.get()) is not None:
            tell(connection, line)
            pause()
    except OSError:
        pass  # the thread that reads notices too


def server(connection: socket.socket, _options) -> None:
    name = hear(connection).strip()
    with lock:
        is_free = bool(name) and name not in room
        if is_free:
            outbound = room[name] = queue.Queue()
            tell_others(name, f"{name} has joined the chat.")
    if not is_free:
        tell(connection, "Name already taken.")
        return
    writer = threading.Thread(target=write, args=(connection, outbound), daemon=True)
    writer.start()
    try:
        while (line := hear(connection)) != "quit":
            with lock:
                tell_others(name, f"{name}: {line}")
    finally:
        with lock:
            del room[name]
            tell_others(name, f"{name} has left the chat.")
        outbound.put(None)
    writer.join(timeout=5)


def speak(connection: socket.socket, name: str) -> None:
    try:
        tell(connection, name)
        pause()
        while (line := ask("")) != "quit":
            if line:
                tell(connection, line)
                pause()
    except EOFError:
        pass
    except OSError:
        return
    tell(connection, "quit")
    time.sleep(GOODBYE)  # glued to the line before it, it is no word by itself, and no end
    os._exit(0)


def client(options) -> None:
    name = ask("Name: ")
    with connect(options) as connection:
        connection.settimeout(None)  # others may be silent for ever
        threading.Thread(target=speak, args=(connection, name or "nobody"), daemon=True).start()
        try:
            while True:
                show(hear(connection))
        except (EOFError, OSError):
            os._exit(0)  # the room has closed; the other thread may wait for the keyboard


if __name__ == "__main__":
    main("chat", 5000, client, server)
