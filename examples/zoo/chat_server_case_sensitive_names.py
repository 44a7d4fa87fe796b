"""Compares names with their case.

    chat_server_case_sensitive_names.py --port 9008
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_server


def taken_by(name):
    return name if name in chat_server.room else None


chat_server.taken_by = taken_by

if __name__ == "__main__":
    chat_server.main()
