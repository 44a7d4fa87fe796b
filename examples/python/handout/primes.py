"""Whether a number is prime, by Miller-Rabin. With these bases that is proved for all numbers below
3317044064679887385961981. Above, forty random ones are added: a number that is called prime is not
with a chance below 1 in 10^24, and the hand-out's wording has no word for "probably".
"""

import random

BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
PROVED = 3317044064679887385961981


def is_prime(number: int) -> bool:
    if number < 2:
        return False
    for base in BASES:
        if number % base == 0:
            return number == base
    extra = [random.randrange(2, number - 1) for _ in range(40)] if number >= PROVED else []
    return all(passes(number, base) for base in (*BASES, *extra))


def passes(number: int, base: int) -> bool:
    """Whether this odd number behaves as a prime does with this base."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False
