"""Settings: declared once, read at every call, checked before any event.

    SETTINGS = settings.Fields(
        topic=settings.text(),
        delimiter=settings.text(";", allowed=[";", ","]),
        wait_s=settings.integer(30, least=1),
    )

`cx.settings.topic` is then text. Unknown keys, missing keys and wrong values are all reported together.
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
    """Text, not empty; one of `allowed` where they are given."""

    def read(value):
        if allowed is not None and value not in allowed:
            return None, "has to be one of " + ", ".join(f"`{word}`" for word in allowed)
        return (value, None) if isinstance(value, str) and value else (None, "has to be text")

    return _Field(default, read)


def integer(default: Any = _NEEDED, least: int = -(1 << 63), most: int = (1 << 63) - 1) -> _Field:
    """A whole number within bounds."""

    def read(value):
        good = type(value) is int and least <= value <= most
        return (value, None) if good else (None, f"has to be a whole number from {least} to {most}")

    return _Field(default, read)


def decimal(default: Any = _NEEDED) -> _Field:
    """A decimal as text, such as `"0.05"`; read as a `Decimal`."""

    def read(value):
        try:
            return Decimal.parse(value if isinstance(value, str) else ""), None
        except Invalid:
            return None, 'has to be a decimal in quotes, such as "0.05"'

    return _Field(default if default is _NEEDED else Decimal.parse(default), read)


def boolean(default: Any = _NEEDED) -> _Field:
    """True or false."""

    def read(value):
        return (value, None) if isinstance(value, bool) else (None, "has to be true or false")

    return _Field(default, read)


class Fields:
    """The keys that a plugin's settings have."""

    def __init__(self, **fields: _Field):
        self._fields = fields

    def read(self, raw: str) -> Tuple[SimpleNamespace, List[Problem]]:
        """The settings, and all that is wrong with them.

        >>> Fields(topic=text(), wait_s=integer(30)).read('{"topik": "a"}')[1][0].message
        'is unknown; known here: topic, wait_s'
        """
        try:
            given = json.loads(raw)
        except ValueError as error:
            return SimpleNamespace(), [Problem("settings", f"is no JSON: {error}")]
        if not isinstance(given, dict):
            return SimpleNamespace(), [Problem("settings", "has to be a table of keys")]
        known = ", ".join(self._fields)
        message = f"is unknown; known here: {known}" if known else "is unknown; no key is known here"
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
