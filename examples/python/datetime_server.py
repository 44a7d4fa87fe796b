"""The date and the time over UDP. It remembers nothing, so it may be restarted at any moment.

    datetime_server.py --port 9010
"""

import argparse
import datetime
import socket

OURS = (b"OK", b"ERR", b"READY", b"EVENT")  # answers: two servers must not talk to each other


def answer(datagram: bytes) -> bytes | None:
    """What to send back, if anything."""
    request = datagram.strip(b" \t\n\f\r")
    now = datetime.datetime.now()
    if request == b"SEND_DATE":
        return b"OK " + now.strftime("%Y-%m-%d").encode()
    if request == b"SEND_TIME":
        return b"OK " + now.strftime("%H:%M:%S").encode()
    if not request or request == b"QUIT" or request.split(b" ")[0] in OURS:
        return None
    try:
        request.decode()
    except UnicodeDecodeError:
        return b"ERR malformed"
    return b"ERR unknown-verb"  # no words: a short forged request must not make a long answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9010)
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(("127.0.0.1", options.port))
        print(f"listening datetime udp 127.0.0.1:{service.getsockname()[1]}", flush=True)
        while True:
            try:
                datagram, sender = service.recvfrom(2048)
                reply = answer(datagram)
                # Below 1024 live the old UDP services, which answer whatever they are sent.
                if reply is not None and sender[1] >= 1024 and sender != service.getsockname():
                    service.sendto(reply, sender)
            except OSError:
                continue  # one client that cannot be reached is no reason to end


if __name__ == "__main__":
    main()
