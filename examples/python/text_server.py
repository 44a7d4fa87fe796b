"""The text lab's server: lower case, prime, palindrome. One thread a connection.

    text_server.py --port 9006
"""

import argparse
import re
import socket
import threading

from framing import LONGEST, FramingError, encode, hang_up, receive, send, why_unreadable

IDLE = 60  # seconds without a message, or with half of one
# Miller-Rabin with these bases is proved for all numbers below 3317044064679887385961981.
BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
LARGEST = 3317044064679887385961980


def is_prime(number: int) -> bool:
    if number < 2:
        return False
    for base in BASES:
        if number % base == 0:
            return number == base
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in BASES:
        power = pow(base, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def answer(request: str) -> str:
    """What to say to this request."""
    if refusal := why_unreadable(request):
        return refusal
    verb, _, rest = request.partition(" ")
    if verb == "LOWER" and request != verb:
        return "OK " + rest.lower() if rest else "OK"
    if verb in ("PRIME", "PALINDROME"):
        if not re.fullmatch("-?[0-9]+", rest):
            return "ERR malformed a number is digits with an optional minus"
        if verb == "PALINDROME":
            return "OK palindrome" if rest == rest[::-1] else "OK not palindrome"
        digits = rest.lstrip("0") or "0"
        if rest.startswith("-"):
            return "OK not prime"
        if len(digits) > 2000:
            return "ERR out-of-range a number tested for being prime has at most 2000 digits"
        if int(digits) > LARGEST:
            return f"ERR out-of-time primes are certain up to {LARGEST} here"
        return "OK prime" if is_prime(int(digits)) else "OK not prime"
    if request == "QUIT":
        return "OK bye"
    if verb in ("LOWER", "QUIT"):
        return f"ERR malformed {verb} has other arguments"
    return "ERR unknown-verb known here: LOWER, PRIME, PALINDROME, QUIT"


def serve(connection: socket.socket, wire: str) -> None:
    """One conversation, to its end."""
    connection.settimeout(IDLE)
    reader = connection.makefile("rb")
    try:
        send(connection, "READY text 1", wire)
        try:
            while (request := receive(reader, wire, "surrogateescape")) is not None:
                reply = answer(request)
                try:
                    encode(reply, wire)
                except FramingError:  # lower case can be longer, and a line cannot end with a CR
                    reply = "ERR too-long the answer does not fit a message"
                send(connection, reply, wire)
                if reply == "OK bye":
                    break
        except FramingError as error:
            send(connection, f"ERR {error.code} {error}", wire)
        except TimeoutError:
            send(connection, f"ERR too-slow nothing whole came for {IDLE} s", wire)
    except OSError:
        pass  # the client has gone: nobody to tell
    finally:
        hang_up(connection)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9006)
    parser.add_argument("--wire", choices=tuple(LONGEST), default="netstring")
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", options.port)) as listener:
        print(f"listening text tcp 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, options.wire), daemon=True).start()


if __name__ == "__main__":
    main()
