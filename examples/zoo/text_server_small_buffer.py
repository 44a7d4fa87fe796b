"""Has a buffer of 8192 bytes, and refuses a message that does not fit it.

    text_server_small_buffer.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import framing
import text_server

framing.LONGEST.update(netstring=8192, line=8192)

if __name__ == "__main__":
    text_server.main()
