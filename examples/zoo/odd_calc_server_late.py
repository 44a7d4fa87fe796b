"""Is not ready at once.

    odd_calc_server_late.py --port 9007
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import calc_server


def serve(connection, wire):
    time.sleep(0.5)
    correct(connection, wire)


correct, calc_server.serve = calc_server.serve, serve

if __name__ == "__main__":
    calc_server.main()
