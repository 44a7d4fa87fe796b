"""Serves one client after the other, in one thread.

    text_server_one_client.py --port 9006
"""

import pathlib
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server

threading.Thread.start = threading.Thread.run

if __name__ == "__main__":
    text_server.main()
