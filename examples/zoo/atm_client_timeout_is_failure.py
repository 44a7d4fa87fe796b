"""Takes a time-out for a failure, and forgets the transaction.

    atm_client_timeout_is_failure.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client

journals = []


def open_journal(path):
    journals.append(correct(path))
    return journals[0]


class Line(atm_client.Line):
    def until_answered(self, request):
        try:
            return self.once(request)
        except atm_client.Lost as loss:
            journals[0].execute("DELETE FROM open")
            sys.exit(f"failed: {loss}")


atm_client.Line = Line
correct, atm_client.open_journal = atm_client.open_journal, open_journal

if __name__ == "__main__":
    atm_client.main()
