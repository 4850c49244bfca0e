"""Money as `int` in minor units: formatting, sums and division."""

from typing import Iterable, List

from .decimal import digits, narrow
from .fault import Invalid


def format(minor: int, minor_digits: int) -> str:
    """Formats major units with a point.

    >>> format(1299, 2), format(-5, 2), format(500, 0)
    ('12.99', '-0.05', '500')
    """
    return digits(minor, minor_digits)


def sum(amounts: Iterable[int]) -> int:
    """Returns the sum. Fails if it does not fit into 64 bits."""
    total = 0
    for amount in amounts:
        total += amount
    return narrow("sum", total)


def split(total: int, weights: List[int]) -> List[int]:
    """Splits `total` over `weights` by largest remainder; on ties the earlier weight wins.

    >>> split(100, [1, 1, 1]), split(-100, [1, 1, 1])
    ([34, 33, 33], [-34, -33, -33])
    """
    whole = 0
    for weight in weights:
        whole += weight
    if whole <= 0 or min(weights) < 0:
        raise Invalid("weights", "must be zero or more, and one of them above zero")
    parts = [abs(total) * weight // whole for weight in weights]
    left = abs(total)
    for part in parts:
        left -= part
    # The sort is stable, so on ties the earlier weight wins.
    by_remainder = sorted(range(len(weights)), key=lambda at: -(abs(total) * weights[at] % whole))
    for at in by_remainder[:left]:
        parts[at] += 1
    return [-part for part in parts] if total < 0 else parts
