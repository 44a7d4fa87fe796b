"""Counts wrong PINs for each connection.

    atm_server_pin_tries_per_connection.py --port 9005 --ledger bank.db
"""

import pathlib
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import atm_server

here = threading.local()  # a connection has a thread


def count_wrong_pin(ledger, card):
    here.wrong[card] = here.wrong.get(card, 0) + 1


def is_locked(ledger, card):
    return here.wrong.get(card, 0) >= 3


def forget_wrong_pins(ledger, card):
    here.wrong.pop(card, None)


def serve(connection, ledger, wire):
    here.wrong = {}
    correct(connection, ledger, wire)


atm_server.count_wrong_pin, atm_server.is_locked = count_wrong_pin, is_locked
atm_server.forget_wrong_pins = forget_wrong_pins
correct, atm_server.serve = atm_server.serve, serve

if __name__ == "__main__":
    atm_server.main()
