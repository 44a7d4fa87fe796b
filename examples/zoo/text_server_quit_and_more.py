"""Takes whatever begins with `QUIT` for `QUIT`.

    text_server_quit_and_more.py --port 9006
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_server


def answer(request):
    return correct("QUIT" if request.startswith("QUIT ") else request)


correct, text_server.answer = text_server.answer, answer

if __name__ == "__main__":
    text_server.main()
