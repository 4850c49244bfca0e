"""Log lines for people. The host limits the bytes of each call and drops the excess."""

from .text import text

try:
    from wit_world.imports import log as _host
except ImportError:  # Not in a component: a test of the plugin's functions.
    _host = None

written = []
"""The log lines if there is no host: (level, message, fields)."""


def _write(level: str, message: str, fields: dict) -> None:
    pairs = [(name, text(value)) for name, value in fields.items()]
    if _host is None:
        written.append((level, message, pairs))
    else:
        _host.write(_host.Level[level.upper()], message, pairs)


def debug(message: str, **fields) -> None:
    """Helps to debug the plugin."""
    _write("debug", message, fields)


def info(message: str, **fields) -> None:
    """Informs operators."""
    _write("info", message, fields)


def warn(message: str, **fields) -> None:
    """An operator should check it."""
    _write("warn", message, fields)


def error(message: str, **fields) -> None:
    """An operator must act."""
    _write("error", message, fields)
