//! Reads CSV: rows of bounded cells. Each cell is identified by its row and its column's name.
//!
//! `csv-core` splits the text. This module adds limits, encodings, row numbers, and a [`Problem`] that
//! names the cell. It keeps one row and one chunk of the file in memory, and does not interpret cells.

use crate::Problem;
use csv_core::ReadRecordResult;
use std::io;

/// The longest cell, in bytes: ten times a long description, and far below the memory of a guest.
pub const MAX_CELL: usize = 4 * 1024;
/// The longest row, in bytes without quotes.
pub const MAX_ROW: usize = 64 * 1024;
/// The most columns. The widest known report has about ninety.
pub const MAX_COLUMNS: usize = 512;
/// Bytes per read. The host returns chunks of this size.
const CHUNK: usize = 64 * 1024;

/// The encoding of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// A byte order mark may precede the text.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Spreadsheets in Western Europe write it; it covers ISO 8859-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// Appends bytes as text. Returns `false` and appends nothing if they are invalid.
    pub fn decode(self, bytes: &[u8], text: &mut String) -> bool {
        match self {
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Ok(piece) => text.push_str(piece),
                Err(_) => return false,
            },
            Self::Windows1252 => text.extend(bytes.iter().map(|byte| windows_1252(*byte))),
        }
        true
    }
}

/// One row. It is reused for all rows, so that reading does not allocate.
#[derive(Clone, Debug, Default)]
pub struct Row {
    number: u64,
    text: String,
    ends: Vec<usize>,
}

impl Row {
    /// Returns the row's number in the file, from 1 with the header. It counts like a spreadsheet:
    /// blank lines are rows, a line break inside quotes is not.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether all cells are empty.
    pub fn is_empty(&self) -> bool {
        (0..self.len()).all(|index| self.cell(index).is_empty())
    }

    /// Returns a cell without surrounding blanks; empty after the last cell.
    pub fn cell(&self, index: usize) -> &str {
        let Some(end) = self.ends.get(index) else {
            return "";
        };
        let begin = match index {
            0 => 0,
            _ => self.ends[index - 1],
        };
        self.text[begin..*end].trim()
    }
}

/// Reads rows of cells from any source, such as an [`Input`](crate::Input).
///
/// ```
/// use galleria_sdk::csv;
///
/// let mut rows = csv::Reader::new("sku;price\r\n\r\n1;\"2;50\"\r\n".as_bytes(), b';', csv::Encoding::Utf8);
/// let columns = rows.header()?.expect("a header");
/// let mut row = csv::Row::default();
/// assert!(rows.read(&mut row)?);
/// assert_eq!((row.number(), row.cell(columns.find("price").expect("a column"))), (3, "2;50"));
/// assert!(!rows.read(&mut row)?);
/// # Ok::<(), galleria_sdk::Problem>(())
/// ```
pub struct Reader<R> {
    input: R,
    core: csv_core::Reader,
    encoding: Encoding,
    chunk: Vec<u8>,
    taken: usize,
    begun: bool,
    /// The number of the row that is read or will be read next.
    number: u64,
    /// The last row that was not empty.
    last: u64,
    /// The last byte was a carriage return, so a line feed after it does not end another row.
    after_return: bool,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    names: Vec<String>,
}

impl<R: io::Read> Reader<R> {
    /// Reads from the start of a file.
    pub fn new(input: R, delimiter: u8, encoding: Encoding) -> Self {
        Self {
            input,
            core: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            encoding,
            chunk: Vec::new(),
            taken: 0,
            begun: false,
            number: 1,
            last: 1,
            after_return: false,
            bytes: vec![0; MAX_ROW],
            ends: vec![0; MAX_COLUMNS],
            names: Vec::new(),
        }
    }

    /// Reads the next row as the names of the columns; `None` at the end of the file. From here on,
    /// problems name their column.
    pub fn header(&mut self) -> Result<Option<Columns>, Problem> {
        let mut row = Row::default();
        if !self.read(&mut row)? {
            return Ok(None);
        }
        let names = (0..row.len()).map(|index| row.cell(index).to_owned());
        self.names = names.collect();
        Ok(Some(Columns {
            row: row.number(),
            names: self.names.clone(),
        }))
    }

    /// Reads the next row that is not empty; returns `false` at the end. Do not read on after a
    /// problem.
    pub fn read(&mut self, row: &mut Row) -> Result<bool, Problem> {
        loop {
            if !self.read_any(row)? {
                return Ok(false);
            }
            if !row.is_empty() {
                self.last = row.number();
                return Ok(true);
            }
        }
    }

    /// Returns the row that was read last, or the first row of an empty file.
    pub fn last_row(&self) -> u64 {
        self.last
    }

    fn read_any(&mut self, row: &mut Row) -> Result<bool, Problem> {
        if !self.skip_to_row()? {
            return Ok(false);
        }
        let (mut length, mut count) = (0, 0);
        loop {
            if self.taken == self.chunk.len() {
                self.fill()?;
            }
            let input = &self.chunk[self.taken..];
            let (result, taken, written, ended) =
                self.core
                    .read_record(input, &mut self.bytes[length..], &mut self.ends[count..]);
            if taken > 0 {
                self.after_return = input[taken - 1] == b'\r';
            }
            self.taken += taken;
            length += written;
            count += ended;
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(false),
                ReadRecordResult::InputEmpty => self.check_cell(length, count)?,
                ReadRecordResult::OutputFull => {
                    self.check_cell(length, count)?;
                    let message = format!("ends a row of more than {MAX_ROW} bytes");
                    return Err(self.problem(count, message));
                }
                ReadRecordResult::OutputEndsFull => {
                    let message = format!("is more than the {MAX_COLUMNS} columns that are read");
                    return Err(self.problem(MAX_COLUMNS, message));
                }
            }
        }
        for index in 0..count {
            self.check_cell(self.ends[index], index)?;
        }
        self.decode(row, length, count)?;
        row.number = self.number;
        self.number += 1;
        Ok(true)
    }

    /// Skips blank lines to the first byte of the next row; returns `false` at the end.
    fn skip_to_row(&mut self) -> Result<bool, Problem> {
        if !self.begun {
            self.begin()?;
        }
        loop {
            if self.taken == self.chunk.len() && !self.fill()? {
                return Ok(false);
            }
            match self.chunk[self.taken] {
                b'\n' if self.after_return => self.after_return = false,
                byte @ (b'\n' | b'\r') => {
                    self.number += 1;
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

    /// Skips the byte order mark, if there is one.
    fn begin(&mut self) -> Result<(), Problem> {
        self.begun = true;
        while self.chunk.len() < 3 {
            let before = self.chunk.len();
            let mut more = [0; 3];
            let count = self
                .input
                .read(&mut more)
                .map_err(|error| self.io(&error))?;
            self.chunk.extend_from_slice(&more[..count]);
            if self.chunk.len() == before {
                break;
            }
        }
        if self.chunk.starts_with(&[0xff, 0xfe]) || self.chunk.starts_with(&[0xfe, 0xff]) {
            return Err(self.problem(0, "is UTF-16: save the file as UTF-8"));
        }
        if self.chunk.starts_with("\u{feff}".as_bytes()) {
            self.taken = 3;
        }
        Ok(())
    }

    /// Reads the next chunk; returns `false` at the end.
    fn fill(&mut self) -> Result<bool, Problem> {
        self.chunk.resize(CHUNK, 0);
        let count = self.input.read(&mut self.chunk);
        let count = count.map_err(|error| self.io(&error))?;
        self.chunk.truncate(count);
        self.taken = 0;
        Ok(count > 0)
    }

    /// Checks the length of the cell that ends at `end`, or has been read up to there.
    fn check_cell(&self, end: usize, index: usize) -> Result<(), Problem> {
        let begin = match index {
            0 => 0,
            _ => self.ends[index - 1],
        };
        match end.saturating_sub(begin) > MAX_CELL {
            true => Err(self.problem(index, format!("has more than {MAX_CELL} bytes"))),
            false => Ok(()),
        }
    }

    fn decode(&self, row: &mut Row, length: usize, count: usize) -> Result<(), Problem> {
        row.text.clear();
        row.ends.clear();
        let bytes = &self.bytes[..length];
        let mut begin = 0;
        for (index, end) in self.ends[..count].iter().enumerate() {
            let cell = &bytes[begin..*end];
            begin = *end;
            if !self.encoding.decode(cell, &mut row.text) {
                return Err(self.problem(index, "is not UTF-8"));
            }
            let text = &row.text[row.ends.last().copied().unwrap_or(0)..];
            let control =
                |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
            if let Some(letter) = text.chars().find(|letter| control(*letter)) {
                let message = format!("has a control character, U+{:04X}", u32::from(letter));
                return Err(self.problem(index, message));
            }
            row.ends.push(row.text.len());
        }
        Ok(())
    }

    fn problem(&self, index: usize, message: impl Into<String>) -> Problem {
        let name = match self.names.get(index) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("column {}", index + 1),
        };
        Problem::in_row(self.number, name, message)
    }

    fn io(&self, error: &io::Error) -> Problem {
        self.problem(0, format!("cannot be read: {error}"))
    }
}

/// The names of a file's columns, in any order.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    row: u64,
    names: Vec<String>,
}

impl Columns {
    /// Finds a column. Surrounding blanks and case do not matter.
    pub fn find(&self, name: &str) -> Option<usize> {
        let same = |known: &String| known.eq_ignore_ascii_case(name);
        self.names.iter().position(same)
    }

    /// Finds a column that must exist exactly once.
    pub fn require(&self, name: &str) -> Result<usize, Problem> {
        self.find_once(name)?.ok_or_else(|| {
            let found: Vec<&str> = self.names.iter().map(String::as_str).collect();
            // Long enough for every readable header.
            let all: String = found.join(", ").chars().take(500).collect();
            let message = ["is missing; the columns are ", &all];
            Problem::in_row(self.row, name, message.concat())
        })
    }

    /// Finds a column that may exist at most once.
    pub fn find_once(&self, name: &str) -> Result<Option<usize>, Problem> {
        let same = |known: &&String| known.eq_ignore_ascii_case(name);
        match self.names.iter().filter(same).count() {
            0 | 1 => Ok(self.find(name)),
            count => {
                let message = format!("occurs {count} times in the header; it must occur once");
                Err(Problem::in_row(self.row, name, message))
            }
        }
    }

    /// Checks that a row has exactly one cell for each column.
    pub fn fits(&self, row: &Row) -> Result<(), Problem> {
        let (cells, columns) = (row.len(), self.names.len());
        let message = format!("the row has {cells} cells, but the header has {columns}");
        if cells < columns {
            let missing = self.name(cells);
            return Err(Problem::in_row(row.number(), missing, message));
        }
        match (columns..cells).find(|index| !row.cell(*index).is_empty()) {
            Some(index) => Err(Problem::in_row(row.number(), self.name(index), message)),
            None => Ok(()),
        }
    }

    /// Returns the row of the header.
    pub fn row(&self) -> u64 {
        self.row
    }

    fn name(&self, index: usize) -> String {
        match self.names.get(index) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("column {}", index + 1),
        }
    }
}

/// Decodes a byte of Windows-1252 by the WHATWG encoding standard. The five undefined bytes become
/// control characters, which are rejected.
pub(super) fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}',
        '\u{2021}', '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}',
        '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}',
        '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}',
        '\u{178}',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests;
