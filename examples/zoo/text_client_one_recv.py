"""Takes what one recv returns for one answer.

    text_client_one_recv.py prime 97
"""

import io
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_client


def receive(reader, wire):
    return framing.receive(io.BytesIO(reader.read1(1024)), wire)


text_client.receive = receive

if __name__ == "__main__":
    text_client.main()
