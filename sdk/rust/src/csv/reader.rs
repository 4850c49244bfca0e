//! Reads CSV: rows of bounded cells. Each cell is identified by its row and its column's name.
//!
//! `galleria-csv` splits the file into records, by the same rules as the imports of the host. This module adds
//! encodings, and a [`Problem`] that names the cell. It keeps one row and one chunk of the file in memory,
//! and does not interpret cells.

use crate::Problem;
use galleria_csv::{Limits, Position, Record, RecordError, Records, control_character};
use std::io;

/// The longest cell, in bytes: ten times a long description, and far below the memory of a guest.
pub const MAX_CELL: usize = 4 * 1024;
/// The longest row, in bytes without quotes.
pub const MAX_ROW: usize = 64 * 1024;
/// The most columns. The widest known report has about ninety.
pub const MAX_COLUMNS: usize = 512;
const LIMITS: Limits = Limits {
    cell_bytes: MAX_CELL,
    record_bytes: MAX_ROW,
    cells: MAX_COLUMNS,
};

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
    line: u64,
    text: String,
    ends: Vec<usize>,
}

impl Row {
    /// Returns the row's number in the file, from 1 with the header. It counts like a spreadsheet:
    /// blank lines are rows, a line break inside quotes is not.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the line where the row starts, from 1. It counts like an editor: a line break inside quotes
    /// starts a line.
    pub fn line(&self) -> u64 {
        self.line
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
    records: Records<R>,
    encoding: Encoding,
    /// The last row that was not empty.
    last: Position,
    names: Vec<String>,
}

impl<R: io::Read> Reader<R> {
    /// Reads from the start of a file.
    pub fn new(input: R, delimiter: u8, encoding: Encoding) -> Self {
        Self {
            records: Records::new(input, delimiter, LIMITS),
            encoding,
            last: Position::of_line(1),
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
            let record = match self.records.next() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(false),
                Err(error) => return Err(unreadable(&self.names, &error)),
            };
            decode(&record, self.encoding, row).map_err(|(index, message)| {
                problem(&self.names, record.position, index, message)
            })?;
            if !row.is_empty() {
                self.last = record.position;
                return Ok(true);
            }
        }
    }

    /// Returns the row that was read last, or the first row of an empty file.
    pub fn last_row(&self) -> u64 {
        self.last.row
    }

    /// Returns the line where that row starts.
    pub fn last_line(&self) -> u64 {
        self.last.line
    }
}

/// Converts a record to text, or returns the index of a cell and its problem.
fn decode(record: &Record<'_>, encoding: Encoding, row: &mut Row) -> Result<(), (usize, String)> {
    row.text.clear();
    row.ends.clear();
    (row.number, row.line) = (record.position.row, record.position.line);
    for (index, cell) in record.cells().enumerate() {
        let begin = row.text.len();
        if !encoding.decode(cell, &mut row.text) {
            return Err((index, "is not UTF-8".to_owned()));
        }
        if let Some(letter) = control_character(&row.text[begin..]) {
            let message = format!("has a control character, U+{:04X}", u32::from(letter));
            return Err((index, message));
        }
        row.ends.push(row.text.len());
    }
    Ok(())
}

fn unreadable(names: &[String], error: &RecordError) -> Problem {
    problem(names, error.position, error.column, error.to_string())
}

fn problem(names: &[String], position: Position, index: usize, message: String) -> Problem {
    let name = column_name(names, index);
    Problem::in_row(position.row, name, position.with_line(message))
}

fn column_name(names: &[String], index: usize) -> String {
    match names.get(index) {
        Some(name) if !name.is_empty() => name.clone(),
        _ => format!("column {}", index + 1),
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
            let missing = column_name(&self.names, cells);
            return Err(Problem::in_row(row.number(), missing, message));
        }
        match (columns..cells).find(|index| !row.cell(*index).is_empty()) {
            Some(index) => {
                let name = column_name(&self.names, index);
                Err(Problem::in_row(row.number(), name, message))
            }
            None => Ok(()),
        }
    }

    /// Returns the row of the header.
    pub fn row(&self) -> u64 {
        self.row
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
