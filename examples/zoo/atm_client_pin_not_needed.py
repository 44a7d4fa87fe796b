"""Pays out though the log-in was refused.

    atm_client_pin_not_needed.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def until_answered(self, request):
        try:
            return super().until_answered(request)
        except atm_client.Refused:
            if request.startswith("CONFIRM"):
                return "confirmed"
            if request.startswith("BALANCE"):
                return "available 0.00, held 0.00"
            if not self.is_logged_in:
                return f"held {request.split(' ')[2]}, available 0.00"
            raise


atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
