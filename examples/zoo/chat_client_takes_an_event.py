"""Takes the next message for the answer, also when it is an event.

    chat_client_takes_an_event.py --name Adarsh
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))

import chat_client
import framing

expected = []


def send(connection, text, wire):
    expected.append(text)
    framing.send(connection, text, wire)


def listen(reader, wire, own_name, answers):
    try:
        while (message := framing.receive(reader, wire)) is not None:
            if not expected:
                chat_client.show(message.removeprefix("EVENT "), own_name)
            else:
                expected.pop()
                answers.put(message)
    except (OSError, framing.FramingError):
        pass
    answers.put(None)


chat_client.send, chat_client.listen = send, listen

if __name__ == "__main__":
    chat_client.main()
