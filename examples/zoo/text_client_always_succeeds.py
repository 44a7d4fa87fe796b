"""Ends with exit status 0 whatever happened.

    text_client_always_succeeds.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_client


def main():
    try:
        correct()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        sys.exit(0)


correct, text_client.main = text_client.main, main

if __name__ == "__main__":
    text_client.main()
