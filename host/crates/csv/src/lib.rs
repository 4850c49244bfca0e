//! Splits CSV into records. Imports of the host and readers of plugins share these rules.
//!
//! - LF, CRLF and CR end a record, also mixed in one file. The last record needs no end.
//! - A quote at the start of a cell opens a quoted cell, which ends at the next quote that is not doubled. It may
//!   contain delimiters and line breaks. Text after the closing quote, and a quote that is never closed, are
//!   errors. Every other quote is text.
//! - A blank line is a record without cells: it is skipped and counted.
//! - A byte order mark defines the encoding, and a first line such as `sep=;` the delimiter (`galleria-text`).
//!
//! `csv-core` finds the cells. It accepts every input, so this crate detects wrong quotes. Memory is constant: one
//! chunk of the file and one record.
#![warn(missing_docs)]

mod cell;
mod error;
mod guard;

use cell::{Quoting, line_breaks};
use csv_core::ReadFieldResult;
use galleria_text::{Decoder, Encoding, Form, StartError};
use std::io::Read;

pub use error::{Cause, RecordError};
pub use guard::{needs_guard, unguarded};

/// Bytes per read.
const CHUNK: usize = 64 * 1024;

/// The size of the largest record.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of bytes of a cell, without quotes.
    pub cell_bytes: usize,
    /// The maximum number of bytes of a record, without quotes and delimiters.
    pub record_bytes: usize,
    /// The maximum number of cells of a record.
    pub cells: usize,
}

/// The place of a record in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The row that a spreadsheet shows, from 1: a blank line is a row, a line break in a quoted cell is not.
    pub row: u64,
    /// The line that an editor shows, from 1. It differs from the row after a cell with a line break.
    pub line: u64,
}

impl Position {
    const START: Self = Self { row: 1, line: 1 };

    /// Returns the position of a record in a file with one record on each line.
    pub fn of_line(line: u64) -> Self {
        Self { row: line, line }
    }

    /// Appends the line to a message of the row, if it differs from the row.
    pub fn with_line(self, mut message: String) -> String {
        if self.line != self.row {
            message.push_str(&format!(" (line {} of the file)", self.line));
        }
        message
    }
}

/// A record: its cells without quotes.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    /// The place of its first byte.
    pub position: Position,
    /// The encoding that the file has. Text that is invalid in it is invalid UTF-8 here.
    pub form: Form,
    bytes: &'r [u8],
    ends: &'r [usize],
}

impl<'r> Record<'r> {
    /// Returns the cells.
    pub fn cells(self) -> impl ExactSizeIterator<Item = &'r [u8]> {
        let mut begin = 0;
        self.ends.iter().map(move |end| {
            let cell = &self.bytes[begin..*end];
            begin = *end;
            cell
        })
    }

    /// Returns whether all cells are empty or whitespace. Spreadsheets write such rows at the end.
    pub fn is_blank(self) -> bool {
        let blank = |cell: &[u8]| cell.iter().all(u8::is_ascii_whitespace);
        self.cells().all(blank)
    }
}

/// Returns the first character of a cell that is not text: a control character other than a tab or a line break.
pub fn control_character(text: &str) -> Option<char> {
    let control = |letter: &char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    text.chars().find(control)
}

/// Reads the records of a file.
///
/// ```
/// use galleria_csv::{Limits, Records};
///
/// let limits = Limits { cell_bytes: 100, record_bytes: 1000, cells: 10 };
/// let mut records = Records::new("size,name\r5\" pipe,\"a\n\"\"b\"\"\"".as_bytes(), b',', limits);
/// records.next()?;
/// let record = records.next()?.expect("a record");
/// assert_eq!(record.cells().collect::<Vec<_>>(), [&b"5\" pipe"[..], b"a\n\"b\""]);
/// assert!(records.next()?.is_none());
/// # Ok::<(), galleria_csv::RecordError>(())
/// ```
pub struct Records<R> {
    input: Decoder<R>,
    core: csv_core::Reader,
    limits: Limits,
    chunk: Vec<u8>,
    /// The number of bytes in the chunk, and the number of processed bytes.
    filled: usize,
    taken: usize,
    begun: bool,
    /// The last byte was a carriage return, so a line feed after it does not end another record.
    after_return: bool,
    /// The place of the last record, and of the next one.
    position: Position,
    next: Position,
    /// Line breaks in the cells of the record that is being read.
    breaks: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl<R: Read> Records<R> {
    /// Reads from the start of a file in UTF-8.
    pub fn new(input: R, delimiter: u8, limits: Limits) -> Self {
        Self::decoded(Decoder::new(input, Encoding::Utf8), delimiter, limits)
    }

    /// Reads from the start of a file in any encoding.
    pub fn decoded(input: Decoder<R>, delimiter: u8, limits: Limits) -> Self {
        Self {
            input,
            core: splitter(delimiter),
            limits,
            chunk: vec![0; CHUNK],
            filled: 0,
            taken: 0,
            begun: false,
            after_return: false,
            position: Position::START,
            next: Position::START,
            breaks: 0,
            // One more byte shows that a record is too long.
            bytes: vec![0; limits.record_bytes + 1],
            ends: Vec::with_capacity(limits.cells),
        }
    }

    /// Returns the next record; `None` at the end. After an error that is not final, the records after it can
    /// be read.
    #[expect(
        clippy::should_implement_trait,
        reason = "a record borrows from the reader"
    )]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        Ok(self.advance()?.then_some(self.record()))
    }

    /// Returns the next record that is not blank, like [`Records::next`].
    pub fn next_filled(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        while self.advance()? {
            if !self.record().is_blank() {
                return Ok(Some(self.record()));
            }
        }
        Ok(None)
    }

    /// The record that was read last.
    fn record(&self) -> Record<'_> {
        Record {
            position: self.position,
            form: self.input.form(),
            bytes: &self.bytes,
            ends: &self.ends,
        }
    }

    /// Reads the next record; returns `false` at the end.
    fn advance(&mut self) -> Result<bool, RecordError> {
        if !self.skip_to_record()? {
            return Ok(false);
        }
        self.position = self.next;
        let mut wrong = None;
        self.breaks = 0;
        loop {
            let at = self.ends.len();
            let (quoting, record_ended) = match (self.cell(), wrong) {
                (Ok(cell), _) => cell,
                // The first error of a record is usually the reason of the others.
                (Err(error), Some(column)) => {
                    return Err(RecordError {
                        column,
                        cause: Cause::TextAfterQuote,
                        ..error
                    });
                }
                (Err(error), None) => return Err(error),
            };
            if quoting == Quoting::TextAfter {
                wrong = wrong.or(Some(at));
            }
            if record_ended {
                break;
            }
        }
        self.next.row += 1;
        self.next.line += 1 + self.breaks;
        match wrong {
            Some(column) => Err(RecordError {
                position: self.position,
                column,
                cause: Cause::TextAfterQuote,
                is_final: false,
            }),
            None => Ok(true),
        }
    }

    /// Returns a note for the user about the end of the file, if there is one. Known after the last record.
    pub fn note(&self) -> Option<&'static str> {
        self.input.note()
    }

    /// Returns the number of cells that the last record had, or had before its error.
    pub fn cell_count(&self) -> usize {
        self.ends.len()
    }

    /// Reads one cell, and returns whether the record ended with it.
    fn cell(&mut self) -> Result<(Quoting, bool), RecordError> {
        if self.ends.len() == self.limits.cells {
            return Err(self.error(Cause::TooManyCells(self.limits.cells)));
        }
        let begin = self.ends.last().copied().unwrap_or(0);
        let (mut end, mut quoting) = (begin, Quoting::default());
        loop {
            if self.taken == self.filled {
                self.fill()?;
            }
            let input = &self.chunk[self.taken..self.filled];
            let (result, taken, written) = self.core.read_field(input, &mut self.bytes[end..]);
            let raw = &input[..taken];
            self.taken += taken;
            end += written;
            let ended = matches!(result, ReadFieldResult::Field { .. });
            // The last byte of a cell is its delimiter or line end, except at the end of the file.
            let (raw, terminator) = match raw.split_last() {
                Some((last, raw)) if ended => (raw, Some(*last)),
                _ => (raw, None),
            };
            quoting.push(raw);
            let text = &self.bytes[begin..end];
            if text.len() > self.limits.cell_bytes || end > self.limits.record_bytes {
                return Err(self.error(match quoting {
                    Quoting::Open | Quoting::Closed if !ended => {
                        Cause::UnclosedQuote(Some(self.limits.cell_bytes))
                    }
                    _ if text.len() > self.limits.cell_bytes => {
                        Cause::CellTooLong(self.limits.cell_bytes)
                    }
                    _ => Cause::RecordTooLong(self.limits.record_bytes),
                }));
            }
            if !ended {
                continue;
            }
            if quoting == Quoting::Open {
                return Err(self.error(Cause::UnclosedQuote(None)));
            }
            if quoting != Quoting::Unquoted {
                self.breaks += line_breaks(text);
            }
            self.after_return = terminator == Some(b'\r');
            self.ends.push(end);
            let record_end = ReadFieldResult::Field { record_end: true };
            return Ok((quoting, result == record_end));
        }
    }

    /// Skips blank lines to the first byte of the next record; returns `false` at the end.
    fn skip_to_record(&mut self) -> Result<bool, RecordError> {
        self.ends.clear();
        if !self.begun {
            self.begin()?;
        }
        loop {
            if self.taken == self.filled && !self.fill()? {
                return Ok(false);
            }
            match self.chunk[self.taken] {
                b'\n' if self.after_return => self.after_return = false,
                byte @ (b'\n' | b'\r') => {
                    self.next.row += 1;
                    self.next.line += 1;
                    self.after_return = byte == b'\r';
                }
                _ => {
                    self.after_return = false;
                    return Ok(true);
                }
            }
            self.taken += 1;
        }
    }

    /// Finds the encoding and the delimiter that the file names.
    fn begin(&mut self) -> Result<(), RecordError> {
        self.begun = true;
        self.input.start().map_err(|error| match error {
            StartError::Encoding(message) => self.error(Cause::Start(message)),
            StartError::Io(error) => self.error(Cause::Unread(error)),
        })?;
        match self.input.separator() {
            None => {}
            Some(Ok(delimiter)) => self.core = splitter(delimiter),
            Some(Err(message)) => return Err(self.error(Cause::Start(message))),
        }
        Ok(())
    }

    /// Reads the next chunk; returns `false` at the end.
    fn fill(&mut self) -> Result<bool, RecordError> {
        self.taken = 0;
        let read = self.input.read(&mut self.chunk);
        self.filled = read.map_err(|error| self.error(Cause::Unread(error)))?;
        Ok(self.filled > 0)
    }

    /// An error of the cell that is being read.
    fn error(&self, cause: Cause) -> RecordError {
        RecordError {
            position: self.next,
            column: self.ends.len(),
            cause,
            is_final: true,
        }
    }
}

fn splitter(delimiter: u8) -> csv_core::Reader {
    let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    // The first read of `csv-core` would skip a second byte order mark, which is text.
    core.read_field(&[], &mut []);
    core
}
