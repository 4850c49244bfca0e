//! CSV in: rows of bounded cells, each known by its row and its column's name.
//!
//! `csv-core` takes the text apart; this module owns what a file from outside needs besides: bounds,
//! encodings, which row it is, and a [`Problem`] that names it. It holds one row and one chunk of the
//! file, however long the file is, and never looks at what a cell means.

use crate::Problem;
use csv_core::ReadRecordResult;
use std::io;

/// The longest cell, in bytes: ten times a long description, and far below what would fill a guest.
pub const MAX_CELL: usize = 4 * 1024;
/// The longest row, in bytes as it is after the quotes are taken off.
pub const MAX_ROW: usize = 64 * 1024;
/// The most columns: widest of the reports known here is one of some ninety.
pub const MAX_COLUMNS: usize = 512;
/// Read at once. The host hands over chunks of this size.
const CHUNK: usize = 64 * 1024;

/// How a file's bytes become text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// What a byte order mark may stand before.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// What spreadsheets in Western Europe write; covers ISO 8859-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// Appends bytes as text; `false`, and nothing, where they are none.
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

/// One row. Used again for each, so that reading allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Row {
    number: u64,
    text: String,
    ends: Vec<usize>,
}

impl Row {
    /// Where it stands in the file, from 1 with the header, as a spreadsheet counts: blank lines are
    /// rows, a line break inside quotes is not.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many cells it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is nothing in any cell.
    pub fn is_empty(&self) -> bool {
        (0..self.len()).all(|index| self.cell(index).is_empty())
    }

    /// A cell without the blanks around it; empty beyond the last.
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

/// Reads rows of cells from anything, such as an [`Input`](crate::Input).
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
    /// The row that is read next, or is being read.
    number: u64,
    /// The last row that had anything in it.
    last: u64,
    /// The last byte was a carriage return: a line feed after it ends no other row.
    after_return: bool,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    names: Vec<String>,
}

impl<R: io::Read> Reader<R> {
    /// From the beginning of a file.
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

    /// Takes the next row as the names of the columns; none where the file is at its end. From here on
    /// a problem names its column.
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

    /// The next row that has anything in it; `false` at the end. After a problem there is no more to read.
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

    /// The row that was read last; the first of an empty file.
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

    /// Goes to the first byte of the next row, past blank lines; `false` at the end.
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

    /// The byte order mark, where there is one.
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

    /// The next chunk; `false` at the end.
    fn fill(&mut self) -> Result<bool, Problem> {
        self.chunk.resize(CHUNK, 0);
        let count = self.input.read(&mut self.chunk);
        let count = count.map_err(|error| self.io(&error))?;
        self.chunk.truncate(count);
        self.taken = 0;
        Ok(count > 0)
    }

    /// That the cell which ends, or has come, at `end` is not too long.
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
                return Err(self.problem(index, "is no UTF-8"));
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

/// The names of a file's columns, wherever each stands.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    row: u64,
    names: Vec<String>,
}

impl Columns {
    /// Where a column stands. The name counts without blanks around it, in small or capital letters.
    pub fn find(&self, name: &str) -> Option<usize> {
        let same = |known: &String| known.eq_ignore_ascii_case(name);
        self.names.iter().position(same)
    }

    /// Where a column stands that has to be there, once.
    pub fn require(&self, name: &str) -> Result<usize, Problem> {
        self.find_once(name)?.ok_or_else(|| {
            let found: Vec<&str> = self.names.iter().map(String::as_str).collect();
            // Long enough for any header that a person reads, and bounded.
            let all: String = found.join(", ").chars().take(500).collect();
            let message = ["is missing; the header has ", &all];
            Problem::in_row(self.row, name, message.concat())
        })
    }

    /// Where a column stands that may be there, once.
    pub fn find_once(&self, name: &str) -> Result<Option<usize>, Problem> {
        let same = |known: &&String| known.eq_ignore_ascii_case(name);
        match self.names.iter().filter(same).count() {
            0 | 1 => Ok(self.find(name)),
            count => {
                let message =
                    format!("stands {count} times in the header; it has to stand there once");
                Err(Problem::in_row(self.row, name, message))
            }
        }
    }

    /// That a row has a cell for each column, and nothing beyond.
    pub fn fits(&self, row: &Row) -> Result<(), Problem> {
        let (cells, columns) = (row.len(), self.names.len());
        let message = format!("the row has {cells} cells where the header has {columns}");
        if cells < columns {
            let missing = self.name(cells);
            return Err(Problem::in_row(row.number(), missing, message));
        }
        match (columns..cells).find(|index| !row.cell(*index).is_empty()) {
            Some(index) => Err(Problem::in_row(row.number(), self.name(index), message)),
            None => Ok(()),
        }
    }

    /// The row of the header.
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

/// A byte of Windows-1252 as the WHATWG's encoding standard reads it; five bytes that mean nothing
/// become control characters, which are refused.
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
