"""Rolls back a withdrawal whose answer is lost, and does not ask again.

    odd_atm_client_never_repeats.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def until_answered(self, request):
        if request.startswith(("WITHDRAW", "DEPOSIT")):
            return self.once(request)
        return super().until_answered(request)


atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
