"""Leaves at the word `quit` anywhere in a line.

    chat_client_quit_in_sentence.py --name Adarsh
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_client


def talk(lines, name, server, wire):
    return correct(("quit" if "quit" in line else line for line in lines), name, server, wire)


correct, chat_client.talk = chat_client.talk, talk

if __name__ == "__main__":
    chat_client.main()
