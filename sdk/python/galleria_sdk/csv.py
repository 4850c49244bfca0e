"""CSV out, as RFC 4180 has it; the same bytes as the Rust SDK's writer.

A text cell never begins with a sign that a spreadsheet takes for a formula; numbers are not touched.
"""

from .decimal import Decimal, digits
from .fault import Invalid


class Writer:
    """Writes rows of cells.

    >>> rows = Writer(delimiter=";", decimal_mark=",")
    >>> rows.text("=SUM(A1)").amount(-1299, 2).end_row().finish()
    b"'=SUM(A1);-12,99\\r\\n"
    """

    def __init__(self, delimiter: str = ",", decimal_mark: str = ".", crlf: bool = True, bom: bool = False):
        if decimal_mark not in (".", ","):
            raise Invalid("csv", "decimal_mark: has to be . or ,")
        if delimiter not in tuple("\t!#$%&()*+,/:;<=>?@[\\]^_`{|}~"):
            raise Invalid("csv", "delimiter: has to be one character such as , ; | or a tab")
        self._delimiter, self._mark = delimiter, decimal_mark
        self._end = "\r\n" if crlf else "\n"
        self._out = ["\ufeff"] if bom else []
        self._row = []

    def text(self, text: str) -> "Writer":
        """A cell of text, with `'` before a sign that would make it a formula."""
        cell = "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
        if any(sign in text for sign in ('"', "\r", "\n", self._delimiter)):
            cell = '"' + cell.replace('"', '""') + '"'
        self._row.append(cell)
        return self

    def amount(self, minor: int, minor_digits: int) -> "Writer":
        """A cell with minor units as major ones, with the file's decimal mark."""
        cell = digits(minor, minor_digits, self._mark)
        if minor_digits > 0 and self._mark == self._delimiter:
            cell = '"' + cell + '"'
        self._row.append(cell)
        return self

    def decimal(self, value: Decimal) -> "Writer":
        """A cell with a decimal, with the digits it has."""
        return self.amount(value.unscaled, value.scale)

    def integer(self, value: int) -> "Writer":
        """A cell with a whole number."""
        return self.amount(value, 0)

    def empty(self) -> "Writer":
        """A cell with nothing in it."""
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
        """Ends the file. Refused where a row was begun and not ended."""
        if self._row:
            raise Invalid("csv", "the last row was not ended")
        return "".join(self._out).encode()
