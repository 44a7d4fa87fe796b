"""Makes a new id for each repeat of a log-in.

    atm_client_new_login_id.py --card 123456789 withdraw 500
"""

import pathlib
import sys
import uuid

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def once(self, request):
        if request.startswith("VERIFY"):
            self.login = f"LOGIN_{uuid.uuid4()}"
            request = f"VERIFY_CARD_AND_PASSWORD {self.login} {self.options.card} {self.pin}"
        return super().once(request)


atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
