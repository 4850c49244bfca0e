"""Writes CSV by RFC 4180, with the same bytes as the Rust SDK.

A `'` precedes a text cell that a spreadsheet would read as a formula. Numbers are unchanged.
"""

from typing import Any

from .decimal import Decimal, digits
from .fault import Invalid
from .text import text as text_of


class Writer:
    """Writes rows of cells.

    >>> rows = Writer(delimiter=";", decimal_mark=",")
    >>> rows.text("=SUM(A1)").amount(-1299, 2).end_row().finish()
    b"'=SUM(A1);-12,99\\r\\n"
    """

    def __init__(self, delimiter: str = ",", decimal_mark: str = ".", crlf: bool = True, bom: bool = False, guard: bool = True):
        if decimal_mark not in (".", ","):
            raise Invalid("csv", "decimal_mark: must be . or ,")
        if delimiter not in tuple("\t!#$%&()*+,/:;<=>?@[\\]^_`{|}~"):
            raise Invalid("csv", "delimiter: must be one character such as , ; | or a tab")
        self._delimiter, self._mark, self._guard = delimiter, decimal_mark, guard
        self._end = "\r\n" if crlf else "\n"
        self._out = ["\ufeff"] if bom else []
        self._row = []

    def text(self, text: Any) -> "Writer":
        """Writes a text cell, with `'` before a formula, unless `guard` is false. Other `'` may precede the
        formula. A number becomes a number, without the `'`.
        """
        if isinstance(text, Decimal):
            return self.decimal(text)
        if isinstance(text, int) and not isinstance(text, bool):
            return self.integer(text)
        text = text_of(text)
        formula = text.lstrip("'").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        cell = "'" + text if self._guard and formula else text
        if any(sign in text for sign in ('"', "\r", "\n", self._delimiter)):
            cell = '"' + cell.replace('"', '""') + '"'
        self._row.append(cell)
        return self

    def amount(self, minor: int, minor_digits: int) -> "Writer":
        """Writes minor units as major units, with the file's decimal mark."""
        cell = digits(minor, minor_digits, self._mark)
        if minor_digits > 0 and self._mark == self._delimiter:
            cell = '"' + cell + '"'
        self._row.append(cell)
        return self

    def decimal(self, value: Decimal) -> "Writer":
        """Writes a decimal with all its digits."""
        return self.amount(value.unscaled, value.scale)

    def integer(self, value: int) -> "Writer":
        """Writes an integer."""
        return self.amount(value, 0)

    def empty(self) -> "Writer":
        """Writes an empty cell."""
        self._row.append("")
        return self

    def end_row(self) -> "Writer":
        """Ends the row."""
        # A row of one empty cell would be an empty line, which readers skip.
        row = '""' if self._row == [""] else self._delimiter.join(self._row)
        self._out += (row, self._end)
        self._row = []
        return self

    def finish(self) -> bytes:
        """Ends the file. Fails if a row was not ended."""
        if self._row:
            raise Invalid("csv", "the last row was not ended")
        return "".join(self._out).encode()
