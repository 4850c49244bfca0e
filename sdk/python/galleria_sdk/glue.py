"""Between what the component tool generates and what an author writes. Not for authors.

The build writes a module that calls `react` for each of the plugin's points and `checker` once.
"""

from typing import Any, Callable

from componentize_py_types import Err
from wit_world.imports import types

from .context import Context
from .decision import Decision
from .fault import Failed, Fault, Invalid, Misconfigured, Problem, Retry
from .settings import Fields


def checker(plugin: Any) -> type:
    """The exported `settings` interface."""

    class Settings:
        def check(self, settings: str) -> list:
            values, problems = _fields(plugin).read(settings)
            check = getattr(plugin, "check", None)
            if not problems and check is not None:
                problems = check(values)
            return [_problem(problem) for problem in problems]

    return Settings


def react(plugin: Any, function: Callable) -> type:
    """An exported react point."""

    class Point:
        def handle(self, cx: types.Context, *arguments: Any) -> types.Decision:
            try:
                values, problems = _fields(plugin).read(cx.settings)
                if problems:
                    raise Misconfigured.all(problems)
                return _decision(function(Context(cx, values), *arguments))
            except Fault as fault:
                raise Err(_fault(fault)) from fault

    return Point


def _fields(plugin: Any) -> Fields:
    return getattr(plugin, "SETTINGS", None) or Fields()


def _problem(problem: Problem) -> types.Problem:
    return types.Problem(row=problem.row, field=problem.field, message=problem.message)


def _fault(fault: Fault) -> types.Fault:
    if isinstance(fault, Retry):
        return types.Fault_Retry(types.Later(seconds=fault.seconds, reason=fault.reason))
    if isinstance(fault, Failed):
        return types.Fault_Failed(fault.reason)
    if not isinstance(fault, Invalid):
        return types.Fault_Failed(str(fault))
    case = types.Fault_Misconfigured if isinstance(fault, Misconfigured) else types.Fault_Invalid
    return case([_problem(problem) for problem in fault.problems])


def _attributes(pairs: list) -> list:
    return [types.Attribute(**pair) for pair in pairs]


def _decision(decision: Decision) -> types.Decision:
    return types.Decision(
        documents=[types.Document(**document) for document in decision.documents],
        publications=[types.Publication(**publication) for publication in decision.publications],
        requests=[
            types.Outgoing(**{**request, "headers": _attributes(request["headers"])})
            for request in decision.requests
        ],
        receipts=[
            types.Receipt(**{**receipt, "attributes": _attributes(receipt["attributes"])})
            for receipt in decision.receipts
        ],
        notes=_attributes(decision.notes),
    )
