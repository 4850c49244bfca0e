"""Settings: declared once, parsed at every call, checked before any event.

    SETTINGS = settings.Fields(
        topic=settings.text(),
        delimiter=settings.text(";", allowed=[";", ","]),
        wait_s=settings.integer(30, least=1),
    )

`cx.settings.topic` is then a string. Unknown keys, missing keys and wrong values are reported together.
"""

import json
from types import SimpleNamespace
from typing import Any, List, Optional, Tuple

from .decimal import Decimal
from .fault import Invalid, Problem

_NEEDED = object()


class _Field:
    def __init__(self, default: Any, read):
        self.default, self.read = default, read


def text(default: Any = _NEEDED, allowed: Optional[List[str]] = None) -> _Field:
    """Declares non-empty text; one of `allowed` if given."""

    def read(value):
        if allowed is not None and value not in allowed:
            return None, "must be one of " + ", ".join(f"`{word}`" for word in allowed)
        return (value, None) if isinstance(value, str) and value else (None, "must be text")

    return _Field(default, read)


def integer(default: Any = _NEEDED, least: int = -(1 << 63), most: int = (1 << 63) - 1) -> _Field:
    """Declares an integer with limits."""

    def read(value):
        good = type(value) is int and least <= value <= most
        return (value, None) if good else (None, f"must be a whole number from {least} to {most}")

    return _Field(default, read)


def decimal(default: Any = _NEEDED) -> _Field:
    """Declares a decimal as text, such as `"0.05"`; the value is a `Decimal`."""

    def read(value):
        try:
            return Decimal.parse(value if isinstance(value, str) else ""), None
        except Invalid:
            return None, 'must be a decimal in quotes, such as "0.05"'

    return _Field(default if default is _NEEDED else Decimal.parse(default), read)


def boolean(default: Any = _NEEDED) -> _Field:
    """Declares a boolean."""

    def read(value):
        return (value, None) if isinstance(value, bool) else (None, "must be true or false")

    return _Field(default, read)


class Fields:
    """The keys of a plugin's settings."""

    def __init__(self, **fields: _Field):
        self._fields = fields

    def read(self, raw: str) -> Tuple[SimpleNamespace, List[Problem]]:
        """Returns the settings and all their problems.

        >>> Fields(topic=text(), wait_s=integer(30)).read('{"topik": "a"}')[1][0].message
        'unknown key; known keys: topic, wait_s'
        """
        try:
            given = json.loads(raw)
        except ValueError as error:
            return SimpleNamespace(), [Problem("settings", f"is not JSON: {error}")]
        if not isinstance(given, dict):
            return SimpleNamespace(), [Problem("settings", "must be a table of keys")]
        known = ", ".join(self._fields)
        message = f"unknown key; known keys: {known}" if known else "unknown key; there are no keys here"
        problems = [Problem(key, message) for key in given if key not in self._fields]
        values = {}
        for key, field in self._fields.items():
            if key in given:
                values[key], wrong = field.read(given[key])
            else:
                values[key], wrong = field.default, "is missing" if field.default is _NEEDED else None
            if wrong:
                problems.append(Problem(key, wrong))
        return SimpleNamespace(**values), problems
