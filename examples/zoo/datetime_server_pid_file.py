"""Does not start while its pid file is there, which `kill -9` leaves behind.

    datetime_server_pid_file.py --port 9010
"""

import os
import pathlib
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import datetime_server


def main():
    folder = os.environ.get("XDG_STATE_HOME", tempfile.gettempdir())
    with open(pathlib.Path(folder) / "datetime_server.pid", "x") as file:  # FileExistsError
        file.write(str(os.getpid()))
    try:
        correct()
    finally:
        os.remove(file.name)


correct, datetime_server.main = datetime_server.main, main

if __name__ == "__main__":
    datetime_server.main()
