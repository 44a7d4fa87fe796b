"""Takes the next message for the answer, whatever it says.

    atm_client_takes_the_next_message.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def once(self, request):
        outcome = super().once(request)
        verb, *words = request.split(" ")
        if verb in ("WITHDRAW", "DEPOSIT"):
            return f"held {words[1]}, available {outcome}"
        return outcome


def is_about(words, subject):
    return True


def is_outcome_of(request, outcome):
    return True


atm_client.Line = Line
atm_client.is_about, atm_client.is_outcome_of = is_about, is_outcome_of

if __name__ == "__main__":
    atm_client.main()
