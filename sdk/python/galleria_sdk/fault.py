"""Faults: a plugin that cannot decide raises one.

Any other exception is a bug of the plugin: the host records a crash with its traceback.
"""

from typing import NamedTuple, Optional


class Problem(NamedTuple):
    """A problem of a field: what is wrong and what would be right."""

    field: str
    """A dotted path, such as `lines.3.quantity`."""
    message: str
    row: Optional[int] = None
    """The row of a file, counted from 1 with the header."""


class Fault(Exception):
    """Why a plugin cannot decide."""


class Invalid(Fault):
    """This argument can never work. The event becomes a dead letter.

    >>> Invalid("lines", "a sale has at least one line").problems[0].field
    'lines'
    """

    def __init__(self, field: str, message: str):
        self.problems = [Problem(field, message)]
        super().__init__(f"{field}: {message}")

    @classmethod
    def all(cls, problems: list) -> "Invalid":
        """Returns a fault with several problems."""
        fault = cls(problems[0].field, problems[0].message)
        fault.problems = list(problems)
        return fault


class Misconfigured(Invalid):
    """The settings are wrong for this event. It becomes a dead letter, to be replayed after they are
    corrected.
    """


class Retry(Fault):
    """Temporary. The event is parked and tried again, after about `seconds` if given."""

    def __init__(self, reason: str, seconds: Optional[int] = None):
        self.reason, self.seconds = reason, seconds
        super().__init__(reason)


class Failed(Fault):
    """Any other failure. The host tries again with back-off, as often as the event's topic allows."""

    def __init__(self, reason: str):
        self.reason = reason
        super().__init__(reason)
