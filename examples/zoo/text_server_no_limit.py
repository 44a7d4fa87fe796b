"""Sets no limit on the length of a message.

    text_server_no_limit.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server

framing.LONGEST.update(netstring=10**100, len3=999, line=10**9)


def netstring(reader):
    header = b""
    while (byte := reader.read(1)).isdigit():
        header += byte
    if not byte and not header:
        return None
    if byte != b":" or header.startswith(b"0") and header != b"0":
        raise framing.FramingError("a netstring begins with its length and a colon")
    payload = framing._exactly(reader, framing._length(header, "netstring"))
    if framing._exactly(reader, 1) != b",":
        raise framing.FramingError("no comma behind the netstring")
    return payload


framing._netstring = netstring

if __name__ == "__main__":
    text_server.main()
