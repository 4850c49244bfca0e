"""How a plugin says that it cannot decide: it raises one of these.

Everything else that is raised is a bug of the plugin: the host calls it a crash and keeps the
traceback.
"""

from typing import NamedTuple, Optional


class Problem(NamedTuple):
    """What is wrong with a field, and what would be right."""

    field: str
    """A dotted path, such as `lines.3.quantity`."""
    message: str
    row: Optional[int] = None
    """The row of a file, from 1 with the header."""


class Fault(Exception):
    """A reason not to decide."""


class Invalid(Fault):
    """Can never work with this argument: straight to the dead letters.

    >>> Invalid("lines", "a sale has at least one line").problems[0].field
    'lines'
    """

    def __init__(self, field: str, message: str):
        self.problems = [Problem(field, message)]
        super().__init__(f"{field}: {message}")

    @classmethod
    def all(cls, problems: list) -> "Invalid":
        """Several problems at once."""
        fault = cls(problems[0].field, problems[0].message)
        fault.problems = list(problems)
        return fault


class Misconfigured(Invalid):
    """The settings are wrong for this event: to the dead letters, to be replayed once they are mended."""


class Retry(Fault):
    """Not now: parked and tried again, after about `seconds` where they are given."""

    def __init__(self, reason: str, seconds: Optional[int] = None):
        self.reason, self.seconds = reason, seconds
        super().__init__(reason)


class Failed(Fault):
    """Anything else: tried again with back-off, as often as the event's topic allows."""

    def __init__(self, reason: str):
        self.reason = reason
        super().__init__(reason)
