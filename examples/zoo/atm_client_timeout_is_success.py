"""Takes a time-out for a success.

    atm_client_timeout_is_success.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def until_answered(self, request):
        try:
            return self.once(request)
        except atm_client.Lost:
            if not request.startswith(("WITHDRAW", "DEPOSIT")):
                return super().until_answered(request)
            return f"held {request.split(' ')[2]}, available 0.00"


atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
