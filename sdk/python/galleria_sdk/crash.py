"""Reports exceptions that are not faults. The host records the report with the crash."""

import os
import sys
import traceback

FRAMES = 8
"""The innermost frames of a report."""

CHARACTERS = 400
"""The maximum length of a part of a report, such as the exception's text. The host keeps the last 3 KiB."""


def report(error: BaseException) -> str:
    """Returns the innermost frames, and the exception's type and text.

    >>> try:
    ...     {}["gift-card"]
    ... except KeyError as error:
    ...     print(report(error).splitlines()[-1])
    KeyError: 'gift-card'
    """
    trace = traceback.TracebackException.from_exception(error, limit=-FRAMES)
    return "".join(part if len(part) <= CHARACTERS else part[:CHARACTERS] + "...\n" for part in trace.format())


def end(error: BaseException) -> None:
    """Prints the report and ends the call."""
    print(report(error), end="", file=sys.stderr, flush=True)
    os._exit(1)
