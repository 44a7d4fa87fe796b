"""Makes a new id for each repeat.

    atm_client_new_id_on_repeat.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client

journals = []


def open_journal(path):
    journals.append(correct_open_journal(path))
    return journals[0]


class Line(atm_client.Line):
    def __init__(self, options):
        super().__init__(options)
        self.is_sent = False

    def once(self, request):
        verb, *words = request.split(" ")
        if verb in ("WITHDRAW", "DEPOSIT"):
            if self.is_sent:
                words[0] = atm_client.new_id(verb)
                journals[0].execute("UPDATE open SET id = ?", words[:1])
            self.is_sent = True
        return super().once(" ".join([verb, *words]))


correct_open_journal, atm_client.open_journal = atm_client.open_journal, open_journal
atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
