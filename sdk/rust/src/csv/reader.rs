//! Reads CSV: rows of bounded cells. Each cell is identified by its row and its column's name.
//!
//! `galleria-csv` splits the file into records, by the same rules as the imports of the host. This module adds
//! encodings, and a [`Problem`] that names the cell. It keeps one row and one chunk of the file in memory,
//! and does not interpret cells.

use crate::Problem;
use galleria_csv::{Limits, Position, Record, RecordError, Records, control_character};
use galleria_text::{Decoder, Encoding, comparable, escaped};
use std::cell::Cell;
use std::io;

/// The longest cell, in bytes: ten times a long description, and far below the memory of a guest.
pub const MAX_CELL: usize = 4 * 1024;
/// The longest row, in bytes without quotes.
pub const MAX_ROW: usize = 64 * 1024;
/// The maximum number of columns. The widest known report has about ninety.
pub const MAX_COLUMNS: usize = 512;
const LIMITS: Limits = Limits {
    cell_bytes: MAX_CELL,
    record_bytes: MAX_ROW,
    cells: MAX_COLUMNS,
};

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
/// assert_eq!((row.number(), row.cell(columns.require("price")?)), (3, "2;50"));
/// assert!(!rows.read(&mut row)?);
/// # Ok::<(), galleria_sdk::Problem>(())
/// ```
pub struct Reader<R> {
    records: Records<R>,
    /// The end of the file was reached.
    ended: bool,
    /// The last row that was not empty.
    last: Position,
    names: Vec<String>,
}

impl<R: io::Read> Reader<R> {
    /// Reads from the start of a file. A byte order mark replaces the encoding, and a first line such as
    /// `sep=;` replaces the delimiter, because the program that wrote the file knows both.
    pub fn new(input: R, delimiter: u8, encoding: Encoding) -> Self {
        let input = Decoder::new(input, encoding);
        Self {
            records: Records::decoded(input, delimiter, LIMITS),
            ended: false,
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
            comparable: self.names.iter().map(|name| comparable(name)).collect(),
            names: self.names.clone(),
            used: vec![Cell::new(false); self.names.len()],
        }))
    }

    /// Reads the next row that is not empty; returns `false` at the end. Do not read on after a
    /// problem.
    pub fn read(&mut self, row: &mut Row) -> Result<bool, Problem> {
        loop {
            let record = match self.records.next() {
                Ok(Some(record)) => record,
                Ok(None) => {
                    self.end();
                    return Ok(false);
                }
                Err(error) => return Err(unreadable(&self.names, &error)),
            };
            decode(&record, row).map_err(|(index, message)| {
                problem(&self.names, record.position, index, message)
            })?;
            if !row.is_empty() {
                self.last = record.position;
                return Ok(true);
            }
        }
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true)
            && let Some(note) = self.records.note()
        {
            crate::log::warn(note, &[]);
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
fn decode(record: &Record<'_>, row: &mut Row) -> Result<(), (usize, String)> {
    row.text.clear();
    row.ends.clear();
    (row.number, row.line) = (record.position.row, record.position.line);
    for (index, cell) in record.cells().enumerate() {
        let begin = row.text.len();
        let cell = std::str::from_utf8(cell);
        let cell = cell.map_err(|_| (index, ["is not ", record.form.name()].concat()))?;
        row.text.push_str(cell);
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
    /// The names in the form for comparison.
    comparable: Vec<String>,
    /// Whether a reader looked for each column.
    used: Vec<Cell<bool>>,
}

impl Columns {
    /// Finds a column that must exist exactly once. Surrounding whitespace, case and the composition of letters do not
    /// matter.
    pub fn require(&self, name: &str) -> Result<usize, Problem> {
        self.find(name)?.ok_or_else(|| {
            let names: Vec<String> = self.names.iter().map(|name| escaped(name)).collect();
            // Long enough for every readable header.
            let all: String = names.join(", ").chars().take(2000).collect();
            // Shows letters that only look like those in the file.
            let wanted = match name.is_ascii() {
                true => String::new(),
                false => [" (", &*escaped(name), ")"].concat(),
            };
            let message = ["is missing", &wanted, "; the columns are ", &all];
            Problem::in_row(self.row, name, message.concat())
        })
    }

    /// Finds a column that may exist at most once, by the same rules.
    pub fn find(&self, name: &str) -> Result<Option<usize>, Problem> {
        let wanted = comparable(name);
        let mut same = (0..self.names.len()).filter(|index| self.comparable[*index] == wanted);
        let (first, others) = (same.next(), same.count());
        if others > 0 {
            let count = others + 1;
            let message = format!("occurs {count} times in the header; it must occur once");
            return Err(Problem::in_row(self.row, name, message));
        }
        if let Some(index) = first {
            self.used[index].set(true);
        }
        Ok(first)
    }

    /// Returns the names of the columns that a reader found, and the names of the others. Both are sorted, because
    /// the order of columns has no meaning. Columns without a name are omitted.
    pub fn usage(&self) -> (Vec<&str>, Vec<&str>) {
        let names = self.names.iter().map(|name| name.trim());
        let mut columns: Vec<_> = names.zip(&self.used).collect();
        columns.retain(|(name, _)| !name.is_empty());
        columns.sort();
        let names = |used: bool| {
            let same = columns.iter().filter(|column| column.1.get() == used);
            same.map(|column| column.0).collect()
        };
        (names(true), names(false))
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

#[cfg(test)]
mod tests;
