#!/usr/bin/env python3
"""Print which messages labserver and labclient disturb, without running either.

    fault_schedule.py SIDE TRANSPORT CONNECTION SEED SPEC [COUNT]
    fault_schedule.py client tcp 0 2026 drop-request=20%,delay=20ms..80ms
    fault_schedule.py corrupt NUMBER MESSAGE

One line for each request of that connection and its answer, as if it were the only connection of
its process and carried the common protocol (echo and scripts are never told "error"). The rules
are those of docs/faults.md. With `corrupt`, what a message becomes whose schedule says `corrupt NUMBER`.
Standard library only.
"""

import re
import sys

MASK = (1 << 64) - 1
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}

# fault: (what it does, purpose of its numbers)
PURPOSE = {
    "drop-request": 1, "drop-reply": 2, "duplicate": 3, "delay": 4, "how-late": 5,
    "error": 6, "cut": 7, "reorder": 8, "split": 9, "glue": 10, "reset": 11,
    "corrupt": 12, "which-bit": 13, "pause": 14,
}
LONGEST = 3600 * 1_000_000


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


def negative_log2(x):
    """-log2 of the fraction of the upper 53 bits, in units of 2^-32, bit by bit."""
    n = (x >> 11) + 1
    whole = n.bit_length() - 1
    mantissa, log2 = n << (63 - whole), whole
    for _ in range(32):
        square = mantissa * mantissa >> 63
        bit = square >> 64
        mantissa, log2 = square >> bit, log2 << 1 | bit
    return (53 << 32) - log2


def distribution(text):
    """A function from a stream of numbers to a time in microseconds."""
    kind, _, parameters = text.partition(":")
    if kind == "exponential":
        mean = micros(parameters)
        return lambda numbers: min(
            mean * negative_log2(next(numbers)) * 2977044472 >> 64, LONGEST
        )
    if kind == "normal":
        mean, deviation = map(micros, parameters.split("+-"))
        middle = 6 * (2**32 - 1)

        def normal(numbers):
            total = sum(next(numbers) >> 32 for _ in range(12))
            return min(max(mean + (deviation * (total - middle) >> 32), 0), LONGEST)

        return normal
    shortest, _, longest = text.partition("..")
    shortest, longest = micros(shortest), micros(longest or shortest)
    return lambda numbers: shortest + (next(numbers) * (longest - shortest + 1) >> 64)


def corrupted(number, message):
    """The message with one bit flipped."""
    message = bytearray(message)
    if message:
        bit = number * len(message) * 8 >> 64
        message[bit // 8] ^= 1 << bit % 8
    return bytes(message)


def schedule(side, transport, connection, seed, spec, is_request):
    """The fates of one direction's messages, without end."""
    is_sent = is_request == (side == "client")
    applies = {  # in the order in which the first decides
        "drop-request": is_request,
        "drop-reply": not is_request,
        "error": is_request,
        "reset": is_sent and transport == "tcp",
        "cut": is_sent and transport == "tcp",
        "duplicate": is_request,
        "reorder": is_sent and transport == "udp",
        "glue": is_sent and transport == "tcp",
    }
    rules = [
        (fault.split("-")[0], when(spec[fault], stream(seed, connection, fault)))
        for fault in applies
        if applies[fault] and fault in spec
    ]

    def besides(fault):
        """The value of a fault that may strike besides others, and whether it strikes."""
        if fault not in spec or not is_sent or (fault == "split" and transport == "udp"):
            return None, lambda _: False
        value, _, chance = spec[fault].partition("@")
        numbers = stream(seed, connection, fault)
        return value, when(chance, numbers) if chance else lambda _: True

    delay, is_late = besides("delay")
    how_late = stream(seed, connection, "how-late")
    draw = distribution(delay) if delay else lambda _: 0
    size, is_split = besides("split")
    pause, is_paused = besides("pause")
    flips = "corrupt" in spec and is_sent
    which_bit = stream(seed, connection, "which-bit")
    is_flipped = when(spec["corrupt"], stream(seed, connection, "corrupt")) if flips else None
    number = 0
    while True:
        number += 1
        struck = [name for name, strikes in rules if strikes(number)]
        fate = [struck[0] if struck else "pass"]
        late = draw(how_late) * is_late(number)
        if late:
            fate.append(f"{late}us")
        if is_split(number):
            fate.append(f"split {size}")
        if flips:
            bit = next(which_bit)
            if is_flipped(number):
                fate.append(f"corrupt {bit}")
        if is_paused(number):
            fate.append(f"pause {micros(pause)}us")
        yield " ".join(fate)


def main(side, transport, connection, seed, spec, count="20"):
    spec = dict(entry.strip().split("=") for entry in spec.split(","))
    common = (side, transport, int(connection), int(seed), spec)
    requests, replies = schedule(*common, True), schedule(*common, False)
    for number in range(1, int(count) + 1):
        print(f"{number} request {next(requests)}, reply {next(replies)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["corrupt"] and len(sys.argv) == 4:
        sys.stdout.buffer.write(corrupted(int(sys.argv[2]), sys.argv[3].encode()) + b"\n")
        sys.exit()
    if len(sys.argv) not in (6, 7):
        sys.exit(__doc__)
    main(*sys.argv[1:])
