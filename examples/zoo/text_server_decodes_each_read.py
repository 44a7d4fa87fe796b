"""Decodes what each recv returns, before the message is whole.

    text_server_decodes_each_read.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server


def exactly(reader, count):
    text = ""
    while count:
        piece = reader.read1(count)
        if not piece:
            raise framing.FramingError(f"closed {count} bytes too early")
        text += piece.decode(errors="surrogateescape")
        count -= len(piece)
    return text.encode(errors="surrogatepass")


framing._exactly = exactly

if __name__ == "__main__":
    text_server.main()
