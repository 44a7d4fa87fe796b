"""Reads money with Decimal(), which accepts `1e3` and `1_0`.

    atm_server_any_money.py --port 9005 --ledger bank.db
"""

import decimal
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server


def answer(ledger, request, session):
    words = request.split(" ")
    if words[0] in ("WITHDRAW", "DEPOSIT") and len(words) > 2:
        try:
            amount = decimal.Decimal(words[2])
            if 0 < amount < 10**10 and amount == round(amount, 2):
                words[2] = f"{amount:.2f}"
        except decimal.InvalidOperation:
            pass
    return correct(ledger, " ".join(words), session)


correct, atm_server.answer = atm_server.answer, answer

if __name__ == "__main__":
    atm_server.main()
