"""Reads what others have said only after it has said something itself.

    chat_client_one_thread.py --name Adarsh
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_client
import framing


def talk(lines, name, server, wire):
    with chat_client.connect(server, chat_client.TIMEOUT) as connection:
        reader = connection.makefile("rb")
        framing.receive(reader, wire)

        def ask(request):
            framing.send(connection, request, wire)
            while (message := framing.receive(reader, wire)) and message.startswith("EVENT "):
                chat_client.show(message.removeprefix("EVENT "), name)
            return message or sys.exit(f"{server} closed the connection")

        print(chat_client.printable(ask("JOIN " + name)), file=sys.stderr)
        for line in lines:
            if line.strip() == "quit":
                break
            print(chat_client.printable(ask("SAY " + line.rstrip("\r\n"))), file=sys.stderr)
        ask("QUIT")
    return 0


chat_client.talk = talk

if __name__ == "__main__":
    chat_client.main()
