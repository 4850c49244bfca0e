"""The SDK for plugins of Galleria in Python.

A plugin decides; the host acts. A plugin is a module `plugin.py` with one function for each extension
point, named like the point with underscores: an event and its context in, a `Decision` out. It has no
side effects. The SDK is pure Python without dependencies; `sdk/GUIDE.md` describes all steps.

    from galleria_sdk import Decision, settings

    SETTINGS = settings.Fields(topic=settings.text())

    def on_payment(cx, sale):
        return Decision().publish(cx.settings.topic, sale.entry.order_id, {"gross": sale.gross})

Arguments have the contract's names (`wit/v0.2.0/types.wit`) with underscores: `sale.entry.order_id`,
`sale.lines[0].unit_price`. Money is an `int` in minor units, a decimal is a `Decimal`, whose text is its value
(`f"{line.quantity}"`), an absent value is `None`.
"""

from . import csv, log, money, settings
from .context import Context
from .decimal import Decimal
from .decision import Decision
from .fault import Failed, Fault, Invalid, Misconfigured, Problem, Retry
from .text import variant

__all__ = [
    "Context",
    "Decimal",
    "Decision",
    "Failed",
    "Fault",
    "Invalid",
    "Misconfigured",
    "Problem",
    "Retry",
    "csv",
    "log",
    "money",
    "settings",
    "variant",
]

VERSION = "0.1.0"
"""The version of this SDK."""
