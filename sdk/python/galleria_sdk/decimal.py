"""Exact decimals of the contract, without floating point.

Every result must fit the contract (64 bits, 18 digits after the decimal point). Otherwise the operation
fails with `Invalid`, as in the Rust SDK.
"""

import decimal
import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Optional, Tuple

from .fault import Invalid

MAX_SCALE = 18
_TEXT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def narrow(what: str, value: int) -> int:
    """Returns an integer if it fits into 64 bits with sign, otherwise fails."""
    _need_integer(value)
    if not -(1 << 63) <= value < 1 << 63:
        raise Invalid(what, "is too large")
    return value


def _need_integer(value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"must be an int, such as money in minor units, got {value!r}")


def divide(value: int, by: int) -> int:
    """Divides and rounds half away from zero. `by` is positive.

    >>> [divide(5, 10), divide(-5, 10), divide(4, 10)]
    [1, -1, 0]
    """
    whole, rest = divmod(abs(value), by)
    whole += rest * 2 >= by
    return -whole if value < 0 else whole


def digits(unscaled: int, scale: int, mark: str = ".") -> str:
    """Formats `unscaled × 10^-scale`, with `mark` as the decimal mark.

    >>> digits(-5, 2)
    '-0.05'
    """
    _need_integer(unscaled)
    text = str(abs(unscaled)).rjust(scale + 1, "0")
    if scale:
        text = text[:-scale] + mark + text[-scale:]
    return "-" + text if unscaled < 0 else text


def _power(scale: int) -> int:
    if not 0 <= scale <= MAX_SCALE:
        raise Invalid("scale", "must be 0 to 18")
    return 10**scale


@total_ordering
@dataclass(frozen=True, eq=False, repr=False)
class Decimal:
    """`unscaled × 10^-scale`. Its text is its value with all digits; comparisons compare the value.

    >>> f"{Decimal(1250, 3)} and {Decimal(1250, 3):.1f}"
    '1.250 and 1.3'
    >>> Decimal(150, 2) == Decimal(15, 1), Decimal(9) < Decimal(10)
    (True, True)
    """

    unscaled: int
    scale: int = 0

    @classmethod
    def of(cls, record) -> "Decimal":
        """Converts a field of an argument, such as `line.quantity`."""
        return cls(record.unscaled, record.scale)

    @classmethod
    def parse(cls, text: str) -> "Decimal":
        """Parses `-12.50`: no exponent, no grouping, no blanks.

        >>> Decimal.parse("12.50")
        Decimal('12.50')
        """
        found = _TEXT.fullmatch(text)
        if found is None or len(text) > 39 or len(found[3] or "") > MAX_SCALE:
            raise Invalid("number", f"`{text}` is not a decimal such as -12.50")
        sign, whole, fraction = found[1], found[2], found[3] or ""
        return cls(narrow("number", int(sign + whole + fraction)), len(fraction))

    def __str__(self) -> str:
        return digits(self.unscaled, self.scale)

    def __repr__(self) -> str:
        return f"Decimal('{self}')"

    def __format__(self, spec: str) -> str:
        """Formats as `format` does for numbers, without an exponent unless `e` or `g` is given. Rounds half away
        from zero.
        """
        if not spec or spec.endswith("s"):
            return format(str(self), spec)
        exact = decimal.Decimal(str(self))
        with decimal.localcontext(decimal.Context(prec=60, rounding=decimal.ROUND_HALF_UP)):
            return format(exact, spec if spec[-1] in "eEfFgGn%" else spec + "f")

    def __eq__(self, other: Any) -> bool:
        pair = self._comparable(other)
        return NotImplemented if pair is None else pair[0] == pair[1]

    def __lt__(self, other: Any) -> bool:
        pair = self._comparable(other)
        return NotImplemented if pair is None else pair[0] < pair[1]

    def __hash__(self) -> int:
        value = self.trimmed()
        return hash((value.unscaled, value.scale)) if value.scale else hash(value.unscaled)

    def __bool__(self) -> bool:
        return self.unscaled != 0

    def _comparable(self, other: Any) -> Optional[Tuple[int, int]]:
        """Both values at one scale; none if the other is not an exact number."""
        if isinstance(other, int) and not isinstance(other, bool):
            other = Decimal(other)
        if not isinstance(other, Decimal):
            return None
        scale = max(self.scale, other.scale)
        return self.unscaled * 10 ** (scale - self.scale), other.unscaled * 10 ** (scale - other.scale)

    def trimmed(self) -> "Decimal":
        """Removes trailing zeros: 1.500 becomes 1.5."""
        unscaled, scale = self.unscaled, self.scale
        while scale > 0 and unscaled % 10 == 0:
            unscaled, scale = unscaled // 10, scale - 1
        return Decimal(unscaled, scale)

    def negated(self) -> "Decimal":
        """Returns the negation."""
        return Decimal(narrow("number", -self.unscaled), self.scale)

    def plus(self, other: "Decimal") -> "Decimal":
        """Returns the sum, with the larger scale.

        >>> str(Decimal.parse("1.5").plus(Decimal.parse("0.125")))
        '1.625'
        """
        scale = max(self.scale, other.scale)
        total = self._aligned(scale) + other._aligned(scale)
        return Decimal(narrow("sum", total), scale)

    def minus(self, other: "Decimal") -> "Decimal":
        """Returns the difference, with the larger scale."""
        scale = max(self.scale, other.scale)
        return Decimal(narrow("difference", self._aligned(scale) - other._aligned(scale)), scale)

    def times(self, other: "Decimal") -> "Decimal":
        """Returns the exact product. Fails if it needs more than 18 digits after the decimal point."""
        product, scale = self.unscaled * other.unscaled, self.scale + other.scale
        while scale > 0 and product % 10 == 0:
            product, scale = product // 10, scale - 1
        if scale > MAX_SCALE:
            raise Invalid("product", "has more than 18 digits after the decimal point")
        return Decimal(narrow("product", product), scale)

    def rescale(self, scale: int) -> "Decimal":
        """Changes the scale. Rounds half away from zero."""
        if scale >= self.scale:
            return Decimal(narrow("number", self._aligned(scale)), scale)
        _power(self.scale), _power(scale)
        return Decimal(divide(self.unscaled, 10 ** (self.scale - scale)), scale)

    def extended(self, quantity: "Decimal", minor_digits: int) -> int:
        """Returns `self × quantity` in minor units, rounded half away from zero: the extended price.

        >>> Decimal.parse("29.95").extended(Decimal.parse("0.345"), 2)
        1033
        """
        _power(self.scale), _power(quantity.scale), _power(minor_digits)
        product, scale = self.unscaled * quantity.unscaled, self.scale + quantity.scale
        what = "number" if scale <= MAX_SCALE else "amount"
        if minor_digits >= scale:
            return narrow(what, product * 10 ** (minor_digits - scale))
        return narrow(what, divide(product, 10 ** (scale - minor_digits)))

    def _aligned(self, scale: int) -> int:
        _power(self.scale)
        return self.unscaled * _power(scale) // 10**self.scale
