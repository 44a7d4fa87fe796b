"""Takes `busy` and `unavailable` for the outcome of what it has sent before, and forgets it.

    atm_client_busy_is_refusal.py --card 123456789 withdraw 500
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client

journals = []


def open_journal(path):
    journals.append(correct(path))
    return journals[0]


class Line(atm_client.Line):
    def once(self, request):
        try:
            return super().once(request)
        except atm_client.Lost as loss:
            code = re.search("ERR (busy|unavailable)", str(loss))
            if not code:
                raise
            journals[0].execute("DELETE FROM open")
            raise atm_client.Refused(code[1]) from None


correct, atm_client.open_journal = atm_client.open_journal, open_journal
atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
