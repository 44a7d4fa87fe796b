"""Prints prompts and explanations around the results.

    odd_text_client_prompts.py prime 97
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import text_client


def printable(text):
    return "The answer is:\n" + correct(text) + "\nAnything else? > "


correct, text_client.printable = text_client.printable, printable

if __name__ == "__main__":
    text_client.main()
