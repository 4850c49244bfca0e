"""Reads files with the csv module in strict mode.

Each line of the input is a delimiter and a file in hexadecimal. Each line of the output has the records of the
file: the line where the record starts, and its cells in hexadecimal; at an error, its kind.
"""

import csv
import io
import sys

for case in sys.stdin:
    delimiter, _, data = case.rstrip("\n").partition(" ")
    # Each byte is one character, so that the text has the same bytes.
    text = bytes.fromhex(data).decode("latin-1").removeprefix("\xef\xbb\xbf")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records, line = [], 1
    try:
        for cells in reader:
            records.append(str(line) + "".join("." + cell.encode("latin-1").hex() for cell in cells))
            line = reader.line_num + 1
    except csv.Error as error:
        records.append("unclosed" if "unexpected end" in str(error) else "text-after")
    print(*records)
