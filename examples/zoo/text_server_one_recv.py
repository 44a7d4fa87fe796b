"""Takes what one recv returns for one message.

    text_server_one_recv.py --port 9006
"""

import io
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def receive(reader, wire, errors="strict"):
    data = reader.read1(1024)  # one recv
    return framing.receive(io.BytesIO(data), wire, errors)


text_server.receive = receive

if __name__ == "__main__":
    text_server.main()
