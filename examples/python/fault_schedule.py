#!/usr/bin/env python3
"""Print which messages labserver and labclient disturb, without running either.

    fault_schedule.py SIDE TRANSPORT CONNECTION SEED SPEC [COUNT]
    fault_schedule.py client tcp 0 2026 drop-request=20%,delay=20ms..80ms

One line for each request of that connection and its answer, as if it were the only connection of
its process and carried the common protocol (echo and scripts are never told "error"). The rules
are those of docs/faults.md. Standard library only.
"""

import re
import sys

MASK = (1 << 64) - 1
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}

# fault: (what it does, purpose of its numbers)
PURPOSE = {
    "drop-request": 1, "drop-reply": 2, "duplicate": 3, "delay": 4, "how-late": 5,
    "error": 6, "cut": 7, "reorder": 8,
}


def splitmix64(state):
    """The numbers of SplitMix64 from this state."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def rotate_left(x, k):
    return ((x << k) | (x >> (64 - k))) & MASK


def xoshiro256plusplus(seed):
    """The numbers of xoshiro256++, its state being the next four numbers of SplitMix64."""
    numbers = splitmix64(seed)
    s = [next(numbers) for _ in range(4)]
    while True:
        yield (rotate_left((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate_left(s[3], 45)


def stream(seed, connection, fault):
    """The numbers for one fault on one connection."""
    def mix(state):
        return next(splitmix64(state))

    return xoshiro256plusplus(mix(mix(mix(seed) ^ connection) ^ PURPOSE[fault]))


def when(text, numbers):
    """A function from a message's number to whether the fault strikes it."""
    if text.endswith("%"):
        whole, _, decimals = text[:-1].partition(".")
        chance = int(whole + decimals.ljust(6, "0"))  # in units of 10^-8
        return lambda number: (next(numbers) >> 11) * 10**8 < chance << 53
    first, _, last = text[1:].partition("-")
    return lambda number: int(first) <= number <= int(last or first)


def micros(text):
    number, unit = re.fullmatch(r"(\d+)(s|ms|us)", text).groups()
    return int(number) * UNITS[unit]


def schedule(side, transport, connection, seed, spec, is_request):
    """The fates of one direction's messages, without end."""
    is_sent = is_request == (side == "client")
    applies = {  # in the order in which the first decides
        "drop-request": is_request,
        "drop-reply": not is_request,
        "error": is_request,
        "cut": is_sent and transport == "tcp",
        "duplicate": is_request,
        "reorder": is_sent and transport == "udp",
    }
    rules = [
        (fault.split("-")[0], when(spec[fault], stream(seed, connection, fault)))
        for fault in applies
        if applies[fault] and fault in spec
    ]
    late = None
    if "delay" in spec and is_sent:
        times, _, chance = spec["delay"].partition("@")
        shortest, _, longest = times.partition("..")
        shortest, longest = micros(shortest), micros(longest or shortest)
        how_late = stream(seed, connection, "how-late")
        is_late = when(chance, stream(seed, connection, "delay")) if chance else lambda _: True
        late = lambda number: (
            shortest + (next(how_late) * (longest - shortest + 1) >> 64)
        ) * is_late(number)
    number = 0
    while True:
        number += 1
        struck = [name for name, strikes in rules if strikes(number)]
        fate = struck[0] if struck else "pass"
        delay = late(number) if late else 0
        yield f"{fate} {delay}us" if delay else fate


def main(side, transport, connection, seed, spec, count="20"):
    spec = dict(entry.strip().split("=") for entry in spec.split(","))
    common = (side, transport, int(connection), int(seed), spec)
    requests, replies = schedule(*common, True), schedule(*common, False)
    for number in range(1, int(count) + 1):
        print(f"{number} request {next(requests)}, reply {next(replies)}")


if __name__ == "__main__":
    if len(sys.argv) not in (6, 7):
        sys.exit(__doc__)
    main(*sys.argv[1:])
