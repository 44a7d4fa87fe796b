"""Takes what one recv returns for the whole echo.

    handout_echo_client_one_recv.py client --server 127.0.0.1:65432
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import echo
import program


def exactly(connection, count):
    return connection.recv(count)


echo.exactly = exactly

if __name__ == "__main__":
    program.main("echo", 65432, echo.client, echo.server)
