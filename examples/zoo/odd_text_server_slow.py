"""Takes its time for each answer.

    odd_text_server_slow.py --port 9006
"""

import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    time.sleep(0.3)
    return correct(request)


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
