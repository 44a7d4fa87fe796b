"""Makes a new key for each repeat.

    atm_client_new_key_on_repeat.py --card 123456789 withdraw 500
"""

import pathlib
import secrets
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def once(self, request):
        words = request.split(" ")
        if words[0] in ("WITHDRAW", "DEPOSIT"):
            if self.is_sent:
                words[3] = secrets.token_hex(16)
            self.is_sent = True
        return super().once(" ".join(words))

    is_sent = False


atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
