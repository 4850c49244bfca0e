"""Lines for people, in the host's log. Bounded for each call; what goes beyond is dropped."""

try:
    from wit_world.imports import log as _host
except ImportError:  # Not in a component: a test of the plugin's functions.
    _host = None

written = []
"""What was logged where there is no host: (level, message, fields)."""


def _write(level: str, message: str, fields: dict) -> None:
    pairs = [(name, str(value)) for name, value in fields.items()]
    if _host is None:
        written.append((level, message, pairs))
    else:
        _host.write(_host.Level[level.upper()], message, pairs)


def debug(message: str, **fields) -> None:
    """For whoever looks closely."""
    _write("debug", message, fields)


def info(message: str, **fields) -> None:
    """Worth knowing."""
    _write("info", message, fields)


def warn(message: str, **fields) -> None:
    """Odd, but decided."""
    _write("warn", message, fields)


def error(message: str, **fields) -> None:
    """Wrong."""
    _write("error", message, fields)
