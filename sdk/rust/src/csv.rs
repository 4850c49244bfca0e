//! CSV out, as RFC 4180 has it, with what European spreadsheets want as options; and CSV in, as
//! [`Reader`] has it.
//!
//! Writes straight into one buffer. `csv-core`'s writer took 1.8 times as long for the same file when
//! both were measured natively (`cargo bench -p galleria-sdk` does it again). The tests read with
//! `csv-core` what this module wrote.
//!
//! A text cell never begins with a sign that a spreadsheet takes for a formula; numbers are not touched.

mod charset;
mod reader;

use crate::fault::BadValue;
use crate::number;
use crate::sink::Sink;
use crate::{Decimal, Money};
pub use charset::{Charset, Unwritable};
pub use reader::{Columns, Encoding, MAX_CELL, MAX_COLUMNS, MAX_ROW, Reader, Row};

/// Which cells stand in quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quotes {
    /// Those that need them.
    #[default]
    Necessary,
    /// All text, and numbers that need them.
    Texts,
    /// All.
    Always,
}

/// How a file is written. Fits into settings as it is; what is left out has its default.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Options {
    /// One ASCII character: `,` by default; European spreadsheets want `;`.
    pub delimiter: char,
    /// `.` or `,`.
    pub decimal_mark: char,
    /// Which cells stand in quotes.
    pub quotes: Quotes,
    /// `\r\n` at the end of a row, as RFC 4180 has it; `\n` otherwise.
    pub crlf: bool,
    /// A byte order mark first, by which some spreadsheets know UTF-8.
    pub bom: bool,
    /// In which bytes it is written.
    pub charset: Charset,
    /// What becomes of a character that those bytes cannot say.
    pub unwritable: Unwritable,
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
        }
    }
}

impl Options {
    /// What is wrong with them, by field; `at` is their own place in the settings, such as `csv`.
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
            "has to be one character such as , ; | or a tab",
        );
        report(
            !self.bom || self.charset.mark().is_some(),
            "bom",
            "has to be false: there is no such mark in the file's charset",
        );
        report(
            matches!(self.decimal_mark, '.' | ','),
            "decimal_mark",
            "has to be . or ,",
        );
        problems
    }

    /// The media type of such a file.
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
    /// Where the row's first cell begins, to see whether the row is a single empty cell.
    row_start: usize,
    rows: u64,
    charset: Charset,
    unwritable: Unwritable,
    /// The first character that could not be written.
    refused: Option<BadValue>,
}

impl Writer {
    /// Into memory.
    pub fn new(options: &Options) -> Result<Self, BadValue> {
        Self::to(Vec::with_capacity(4096), options)
    }
}

impl<W: Sink> Writer<W> {
    /// Into a sink, such as an [`Output`](crate::Output).
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
            // Both are ASCII, as was checked.
            delimiter: options.delimiter as u8,
            mark: options.decimal_mark as u8,
            quotes: options.quotes,
            row_end: if options.crlf { b"\r\n" } else { b"\n" },
            in_row: false,
            row_start: 0,
            rows: 0,
            charset: options.charset,
            unwritable: options.unwritable,
            refused: None,
        })
    }

    /// A cell of text. One that begins with `=`, `+`, `-`, `@`, a tab or a line break gets a `'` before
    /// it, so that no spreadsheet runs it.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.begin_cell();
        let guarded = matches!(
            text.as_bytes().first(),
            Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n')
        );
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

    /// A cell with minor units as major ones, with the file's decimal mark.
    pub fn amount(&mut self, minor: Money, minor_digits: u8) -> &mut Self {
        self.begin_cell();
        let (mark, delimiter) = (self.mark, self.delimiter);
        // The mark is the only sign of a number that can be the delimiter.
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

    /// A cell with a decimal, with the digits it has.
    pub fn decimal(&mut self, value: Decimal) -> &mut Self {
        self.amount(value.unscaled, value.scale)
    }

    /// A cell with a whole number.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        self.amount(value, 0)
    }

    /// A cell with nothing in it.
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
        // A row without cells begins here.
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

    /// Rows so far, the header among them.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file. Refused where a row was begun and not ended, and where a character could not be
    /// written.
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
mod tests {
    use super::*;

    const CELLS: [&str; 12] = [
        "plain",
        "",
        "a,b",
        "a;b",
        "say \"hi\"",
        "two\r\nlines",
        " blanks ",
        "é\u{1f6d2}",
        "\"",
        "'",
        "1.5",
        "-",
    ];

    fn written(options: &Options, write: impl FnOnce(&mut Writer)) -> String {
        let mut rows = Writer::new(options).expect("good options");
        write(&mut rows);
        String::from_utf8(rows.finish().expect("a file")).expect("UTF-8")
    }

    /// By a reader that shares no code with the writer.
    fn read(text: &str, delimiter: u8) -> Vec<Vec<String>> {
        let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let (mut rows, mut row, mut cell) = (vec![], vec![], vec![]);
        let mut input = text.as_bytes();
        loop {
            let mut out = [0; 256];
            let (result, taken, given) = reader.read_field(input, &mut out);
            input = &input[taken..];
            cell.extend_from_slice(&out[..given]);
            match result {
                csv_core::ReadFieldResult::Field { record_end } => {
                    row.push(String::from_utf8(std::mem::take(&mut cell)).expect("UTF-8"));
                    if record_end {
                        rows.push(std::mem::take(&mut row));
                    }
                }
                csv_core::ReadFieldResult::End => return rows,
                _ => {}
            }
        }
    }

    #[test]
    fn an_independent_reader_reads_the_same() {
        for delimiter in [',', ';', '\t', '|'] {
            for quotes in [Quotes::Necessary, Quotes::Texts, Quotes::Always] {
                let options = Options {
                    delimiter,
                    quotes,
                    decimal_mark: ',',
                    crlf: quotes != Quotes::Texts,
                    ..Options::default()
                };
                let text = written(&options, |rows| {
                    for cell in CELLS {
                        rows.text(cell);
                    }
                    rows.amount(-1299, 2).end_row().text("").end_row();
                });
                let mut expected: Vec<String> = CELLS.map(str::to_owned).into();
                expected[11] = "'-".into();
                expected.push("-12,99".into());
                assert_eq!(
                    read(&text, delimiter as u8),
                    [expected, vec![String::new()]],
                    "{options:?}"
                );
            }
        }
    }

    #[test]
    fn formulas_are_guarded_and_numbers_are_not() {
        let text = written(&Options::default(), |rows| {
            for cell in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "x=1"] {
                rows.text(cell);
            }
            rows.amount(-1, 0).decimal(Decimal::new(-15, 1)).end_row();
        });
        assert_eq!(text, "'=1+1,'+1,'-1,'@x,'\tx,\"'\rx\",x=1,-1,-1.5\r\n");
    }

    #[test]
    fn a_decimal_comma_that_is_the_delimiter_is_quoted() {
        let options = Options {
            decimal_mark: ',',
            bom: true,
            crlf: false,
            ..Options::default()
        };
        let text = written(&options, |rows| {
            rows.amount(150, 2).integer(7).empty().end_row();
        });
        assert_eq!(text, "\u{feff}\"1,50\",7,\n");
    }

    #[test]
    fn options_that_break_a_file_are_refused() {
        for delimiter in ['"', 'x', '\n', 'é', '0', '-', '.'] {
            assert!(
                Writer::new(&Options {
                    delimiter,
                    ..Options::default()
                })
                .is_err(),
                "{delimiter}"
            );
        }
        let bad = Options {
            decimal_mark: ' ',
            ..Options::default()
        };
        assert_eq!(bad.problems("")[0].field, "decimal_mark");
        let mut unfinished = Writer::new(&Options::default()).expect("good options");
        unfinished.text("a");
        assert!(unfinished.finish().is_err());
    }
}
