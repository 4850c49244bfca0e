"""Texts of values, for all places where the SDK writes one: notes, headers, log fields, cells."""

import re
from datetime import date, time
from enum import Enum
from typing import Any, Tuple

from .decimal import Decimal
from .fault import Failed

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def text(value: Any) -> str:
    """Returns the text of a value; an absent value is empty. An object without a text is an error, because its
    description would be written to a file.

    >>> text(Decimal(150, 2)), text(7), text(True), text(None)
    ('1.50', '7', 'true', '')
    """
    if isinstance(value, str) and not isinstance(value, Enum):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, Decimal, date, time)) and not isinstance(value, Enum):
        return str(value)
    if isinstance(value, Enum) or _case(value) is not None:
        return case_text(value)
    raise Failed(f"a value of type {type(value).__name__} has no text: write one of its fields, or a number or string")


def variant(value: Any) -> Tuple[str, Any]:
    """Returns the case of a variant as in the contract, and its value.

    For `line.kind` it is `("item", None)` or `("gift-card-sale", "6006***")`. It also works for
    `refund.origin`, `cancelled.cause` and the outcome of an age check.
    """
    if isinstance(value, str):  # A test may write a case without content as text.
        return value.replace("_", "-"), None
    name = getattr(value, "name", None)
    if isinstance(name, str) and name.isupper():  # An enum, which carries nothing.
        return name.lower().replace("_", "-"), None
    return _CAPITAL.sub("-", _case(value)).lower(), getattr(value, "value", None)


def _case(value: Any):
    """The case in the name of a generated class, such as `Item` of `LineKind_Item`."""
    parts = type(value).__name__.split("_")
    return parts[1] if len(parts) > 1 and parts[0][:1].isupper() else None


def case_text(value: Any) -> str:
    """Returns the case, with its content if that is text: `item`, `other(bag)`."""
    case, content = variant(value)
    return f"{case}({content})" if isinstance(content, str) else case


def name_cases(module: Any) -> None:
    """Gives the enums and variants of a generated module their texts, for `str` and f-strings."""
    for one in vars(module).values():
        if isinstance(one, type) and one.__module__ == module.__name__:
            if issubclass(one, Enum) or "_" in one.__name__:
                one.__str__ = case_text
                one.__format__ = lambda value, spec: format(case_text(value), spec)
