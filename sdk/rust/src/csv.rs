//! Writes CSV by RFC 4180, with options for European spreadsheets. [`Reader`] reads CSV.
//!
//! The writer fills one buffer directly. `csv-core`'s writer took 1.8 times as long for the same file,
//! measured natively (`cargo bench -p galleria-sdk` repeats it). The tests read the written files with
//! `csv-core`.
//!
//! A `'` precedes a text cell that a spreadsheet would read as a formula. Numbers are unchanged.

mod charset;
mod reader;

use crate::fault::BadValue;
use crate::number;
use crate::sink::Sink;
use crate::{Decimal, Money};
pub use charset::{Charset, Unwritable};
use galleria_csv::needs_guard;
pub use galleria_text::Encoding;
pub use reader::{Columns, MAX_CELL, MAX_COLUMNS, MAX_ROW, Reader, Row};

/// Which cells are quoted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quotes {
    /// Cells that need quotes.
    #[default]
    Necessary,
    /// All text cells, and number cells that need quotes.
    Texts,
    /// All cells.
    Always,
}

/// How a file is written. The type can be part of a plugin's settings; absent fields have their
/// defaults.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Options {
    /// One ASCII character. The default is `,`; European spreadsheets expect `;`.
    pub delimiter: char,
    /// `.` or `,`.
    pub decimal_mark: char,
    /// Which cells are quoted.
    pub quotes: Quotes,
    /// Whether rows end with `\r\n`, as in RFC 4180; otherwise with `\n`.
    pub crlf: bool,
    /// Whether the file starts with a byte order mark. Some spreadsheets need it to recognise
    /// UTF-8.
    pub bom: bool,
    /// The charset of the file.
    pub charset: Charset,
    /// The treatment of a character that the charset lacks.
    pub unwritable: Unwritable,
    /// Whether a `'` precedes a text that a spreadsheet would evaluate. Imports of the host remove it.
    pub guard: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            delimiter: ',',
            decimal_mark: '.',
            quotes: Quotes::Necessary,
            crlf: true,
            bom: false,
            charset: Charset::Utf8,
            unwritable: Unwritable::Refuse,
            guard: true,
        }
    }
}

impl Options {
    /// Returns the problems of the options, by field. `at` is the place of the options in the
    /// settings, such as `csv`.
    ///
    /// ```
    /// use galleria_sdk::csv::Options;
    ///
    /// let options = Options { delimiter: '"', ..Options::default() };
    /// assert_eq!(options.problems("csv")[0].field, "csv.delimiter");
    /// ```
    pub fn problems(&self, at: &str) -> Vec<crate::Problem> {
        let mut problems = Vec::new();
        let mut report = |good: bool, field: &str, message: &str| {
            if !good {
                let place = if at.is_empty() {
                    field.to_owned()
                } else {
                    [at, ".", field].concat()
                };
                problems.push(crate::Problem::new(place, message));
            }
        };
        let delimits = self.delimiter == '\t' || self.delimiter.is_ascii_punctuation();
        let delimits = delimits && !matches!(self.delimiter, '"' | '\'' | '-' | '.');
        report(
            delimits,
            "delimiter",
            "must be one character such as , ; | or a tab",
        );
        report(
            !self.bom || self.charset.mark().is_some(),
            "bom",
            "must be false: there is no such mark in the file's charset",
        );
        report(
            matches!(self.decimal_mark, '.' | ','),
            "decimal_mark",
            "must be . or ,",
        );
        problems
    }

    /// Returns the media type of the file.
    pub fn media_type(&self) -> String {
        ["text/csv; charset=", self.charset.name()].concat()
    }
}

/// Writes rows of cells.
///
/// ```
/// use galleria_sdk::csv;
///
/// let options = csv::Options { delimiter: ';', decimal_mark: ',', ..csv::Options::default() };
/// let mut rows = csv::Writer::new(&options)?;
/// rows.text("sku").text("amount").end_row();
/// rows.text("=SUM(A1)").amount(-1299, 2).end_row();
/// assert_eq!(rows.finish()?, b"sku;amount\r\n'=SUM(A1);-12,99\r\n");
/// # Ok::<(), galleria_sdk::BadValue>(())
/// ```
#[derive(Debug)]
pub struct Writer<W: Sink = Vec<u8>> {
    sink: W,
    delimiter: u8,
    mark: u8,
    quotes: Quotes,
    row_end: &'static [u8],
    in_row: bool,
    /// Where the first cell of the row starts. It shows whether the row is a single empty cell.
    row_start: usize,
    rows: u64,
    charset: Charset,
    unwritable: Unwritable,
    guard: bool,
    /// The first character that could not be written.
    refused: Option<BadValue>,
}

impl Writer {
    /// Writes into memory.
    pub fn new(options: &Options) -> Result<Self, BadValue> {
        Self::to(Vec::with_capacity(4096), options)
    }
}

impl<W: Sink> Writer<W> {
    /// Writes into a sink, such as an [`Output`](crate::Output).
    pub fn to(mut sink: W, options: &Options) -> Result<Self, BadValue> {
        if let Some(problem) = options.problems("").into_iter().next() {
            let message = [&problem.field, ": ", &problem.message].concat();
            return Err(BadValue::new("csv", message));
        }
        if let Some(mark) = options.charset.mark().filter(|_| options.bom) {
            sink.buffer().extend_from_slice(mark);
        }
        Ok(Self {
            sink,
            // Both are ASCII: the check ensures it.
            delimiter: options.delimiter as u8,
            mark: options.decimal_mark as u8,
            quotes: options.quotes,
            row_end: if options.crlf { b"\r\n" } else { b"\n" },
            in_row: false,
            row_start: 0,
            rows: 0,
            charset: options.charset,
            unwritable: options.unwritable,
            guard: options.guard,
            refused: None,
        })
    }

    /// Writes a text cell. If it starts with `=`, `+`, `-`, `@`, a tab or a line break, possibly after other `'`, a
    /// `'` precedes it, so that no spreadsheet evaluates it. [`Options::guard`] turns this off.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.begin_cell();
        let guarded = self.guard && needs_guard(text);
        let quoted = match self.quotes {
            Quotes::Necessary => self.needs_quotes(text),
            Quotes::Texts | Quotes::Always => true,
        };
        let out = self.sink.buffer();
        if quoted {
            out.push(b'"');
        }
        if guarded {
            out.push(b'\'');
        }
        if quoted {
            for (index, piece) in text.split('"').enumerate() {
                if index > 0 {
                    out.extend_from_slice(b"\"\"");
                }
                out.extend_from_slice(piece.as_bytes());
            }
            out.push(b'"');
        } else {
            out.extend_from_slice(text.as_bytes());
        }
        self
    }

    /// Writes minor units as major units, with the file's decimal mark.
    pub fn amount(&mut self, minor: Money, minor_digits: u8) -> &mut Self {
        self.begin_cell();
        let (mark, delimiter) = (self.mark, self.delimiter);
        // The decimal mark is the only character of a number that can equal the delimiter.
        let quoted = self.quotes == Quotes::Always || (mark == delimiter && minor_digits > 0);
        let out = self.sink.buffer();
        if quoted {
            out.push(b'"');
        }
        number::push(out, minor, minor_digits, mark);
        if quoted {
            out.push(b'"');
        }
        self
    }

    /// Writes a decimal with all its digits.
    pub fn decimal(&mut self, value: Decimal) -> &mut Self {
        self.amount(value.unscaled, value.scale)
    }

    /// Writes an integer.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        self.amount(value, 0)
    }

    /// Writes an empty cell.
    pub fn empty(&mut self) -> &mut Self {
        self.begin_cell();
        self
    }

    /// Ends the row.
    pub fn end_row(&mut self) -> &mut Self {
        let (row_start, in_row) = (self.row_start, self.in_row);
        let out = self.sink.buffer();
        // A row of one empty cell would be an empty line, which readers skip.
        if in_row && out.len() == row_start {
            out.extend_from_slice(b"\"\"");
        }
        // A row without cells starts here.
        let row_start = if in_row { row_start } else { out.len() };
        out.extend_from_slice(self.row_end);
        let encoded = self.charset.encode(out, row_start, self.unwritable);
        self.in_row = false;
        self.rows += 1;
        if let Err(letter) = encoded
            && self.refused.is_none()
        {
            self.refused = Some(unwritable(self.charset, self.rows, letter));
        }
        self.sink.piece_ended();
        self
    }

    /// Returns the number of rows so far, with the header.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file. Fails if a row was not ended or a character could not be written.
    pub fn finish(self) -> Result<W, BadValue> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if self.in_row {
            return Err(BadValue::new("csv", "the last row was not ended"));
        }
        Ok(self.sink)
    }

    fn begin_cell(&mut self) {
        let delimiter = self.delimiter;
        let out = self.sink.buffer();
        if self.in_row {
            out.push(delimiter);
        } else {
            self.row_start = out.len();
            self.in_row = true;
        }
    }

    fn needs_quotes(&self, text: &str) -> bool {
        let special = |byte: &u8| matches!(byte, b'"' | b'\r' | b'\n') || *byte == self.delimiter;
        text.as_bytes().iter().any(special)
    }
}

fn unwritable(charset: Charset, row: u64, letter: char) -> BadValue {
    let mut sign = [0; 4];
    let row = number::text(i64::try_from(row).unwrap_or(i64::MAX), 0, b'.');
    let message = [
        "row ",
        &row,
        ": `",
        letter.encode_utf8(&mut sign),
        "` cannot be written in ",
        charset.name(),
        "; set another charset, or `unwritable` to `replace`",
    ];
    BadValue::new("csv", message.concat())
}

#[cfg(test)]
mod tests;
