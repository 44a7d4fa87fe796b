"""Takes what one recv returns for one message.

    chat_client_one_recv.py --name Adarsh
"""

import io
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_client
import framing


def receive(reader, wire):
    return framing.receive(io.BytesIO(reader.read1(4096)), wire)


chat_client.receive = receive

if __name__ == "__main__":
    chat_client.main()
