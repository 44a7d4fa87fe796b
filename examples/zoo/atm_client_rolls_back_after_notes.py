"""Rolls back when the answer to `CONFIRM` is lost.

    atm_client_rolls_back_after_notes.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def until_answered(self, request):
        if not request.startswith("CONFIRM"):
            return super().until_answered(request)
        try:
            return self.once(request)
        except atm_client.Lost:
            return super().until_answered(request.replace("CONFIRM", "ROLLBACK", 1))


atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
