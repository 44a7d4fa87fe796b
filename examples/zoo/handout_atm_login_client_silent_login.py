"""Does not answer `LOGGED_IN`.

    handout_atm_login_client_silent_login.py client --server 127.0.0.1:9005
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/handout"))

import atm_login
import program


def tell(connection, text):
    if text != "LOGGED_IN":
        program.tell(connection, text)


atm_login.tell = tell

if __name__ == "__main__":
    program.main(
        "atm-login",
        9005,
        atm_login.client,
        atm_login.server,
        add_options=atm_login.add_options,
    )
