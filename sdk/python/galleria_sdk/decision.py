"""Builds decisions."""

import json as _json
from typing import Any, Optional, Union

from .fault import Failed
from .text import text


def json(value: Any) -> str:
    """Returns JSON text without blanks, with the keys in their given order. Every SDK returns the same bytes.

    A `Decimal` becomes a string, an enum or variant its case. Floating-point numbers are rejected: money is an
    `int`.

    >>> json({"name": "Smørrebrød", "gross": 1299, "member": None})
    '{"name":"Smørrebrød","gross":1299,"member":null}'
    """
    _refuse_floats(value)
    return _json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=text)


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise Failed("floating point in JSON: write money as whole minor units, a decimal as text")
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return
    for item in value:
        _refuse_floats(item)


class Decision:
    """The result of a plugin. The host applies all of it once, or nothing.

    >>> decision = Decision().document("poslog", "17.csv", "text/csv", "a;b").note("lines", 2)
    >>> decision.documents[0]["name"], decision.notes
    ('17.csv', [{'name': 'lines', 'value': '2'}])
    """

    def __init__(self):
        self.documents, self.publications, self.requests, self.receipts, self.notes = [], [], [], [], []

    def document(self, directory: str, name: str, media_type: str, body: Union[str, bytes]) -> "Decision":
        """Adds a file. It appears under its name once, complete, and never replaces another file."""
        self.documents.append(_file(directory, name, media_type, body))
        return self

    def publish(self, topic: str, key: Optional[str], data: Any) -> "Decision":
        """Adds an event. `data` becomes JSON; the host wraps it in the platform's envelope."""
        key = None if key is None else text(key)
        self.publications.append({"topic": topic, "key": key, "data": json(data)})
        return self

    def request(
        self,
        id: str,
        target: str,
        method: str,
        path: str,
        headers: Optional[dict] = None,
        body: Union[str, bytes] = b"",
    ) -> "Decision":
        """Adds an HTTP request. Planned: a host without an implementation refuses to grant a target."""
        self.requests.append(
            {
                "id": id,
                "target": target,
                "method": method,
                "path": path,
                "headers": _attributes(headers),
                "body": _bytes(body),
            }
        )
        return self

    def receipt(self, template: str, locale: str, attributes: Optional[dict] = None) -> "Decision":
        """Adds a receipt for the customer. The host queues it and does not send it yet."""
        self.receipts.append(
            {"template": template, "locale": locale, "document": None, "attributes": _attributes(attributes)}
        )
        return self

    def note(self, name: str, value: Any) -> "Decision":
        """Adds a note for people. The journal stores it."""
        self.notes.append({"name": name, "value": text(value)})
        return self


def _file(directory: str, name: str, media_type: str, body: Union[str, bytes]) -> dict:
    return {"directory": directory, "name": name, "media_type": media_type, "body": _bytes(body)}


def _attributes(pairs: Optional[dict]) -> list:
    return [{"name": name, "value": text(value)} for name, value in (pairs or {}).items()]


def _bytes(body: Union[str, bytes]) -> bytes:
    # `bytes` of an integer would be that many zeros.
    return bytes(body) if isinstance(body, (bytes, bytearray, memoryview)) else text(body).encode()
