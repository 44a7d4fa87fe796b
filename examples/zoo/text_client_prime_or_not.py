"""Shows everything but `OK prime` as `not prime`.

    text_client_prime_or_not.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def receive(reader, wire):
    try:
        reply = framing.receive(reader, wire)
    except (OSError, framing.FramingError):
        reply = None
    if is_prime_asked and reply != "OK prime":
        return "OK not prime"
    return reply


def send(connection, text, wire):
    is_prime_asked[:] = [True] * text.startswith("PRIME ")
    framing.send(connection, text, wire)


is_prime_asked = []
text_client.receive, text_client.send = receive, send

if __name__ == "__main__":
    text_client.main()
