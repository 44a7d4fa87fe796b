"""Opens a connection for each request.

    odd_atm_client_reconnects.py --card 123456789 withdraw 500
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def once(self, request):
        try:
            return super().once(request)
        finally:
            if not request.startswith("VERIFY"):
                self.drop()


atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
