"""Pays out for each answer that says `held`.

    atm_client_pays_for_each_answer.py --card 123456789 withdraw 500
"""

import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_client


class Line(atm_client.Line):
    def once(self, request):
        try:
            return super().once(request)
        except atm_client.Lost as loss:
            again = re.search(r"WITH_[0-9a-f-]{36} held ([0-9.]+),", str(loss))
            if again and request.startswith("CONFIRM"):
                atm_client.move_notes("WITHDRAW", again[1])
            raise


atm_client.Line = Line

if __name__ == "__main__":
    atm_client.main()
