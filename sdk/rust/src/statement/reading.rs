//! The loop over the records of a file, the same for all formats.

use super::StatementWriter;
use crate::csv::{self, Row};
use crate::{Fault, Problem, Totals};
use galleria_csv::Position;
use std::io;

/// The records of a file, one at a time.
pub trait RecordSource {
    /// One record, such as a row of cells.
    type Record<'r>
    where
        Self: 'r;

    /// Returns the next record, or `None` at the end of the file. Reading stops after a problem.
    fn next(&mut self) -> Result<Option<Self::Record<'_>>, Problem>;

    /// Returns the row of the last record.
    fn last_row(&self) -> u64;

    /// Returns the columns of the file, if it names them. The statement states which of them were read.
    fn columns(&self) -> Option<&csv::Columns> {
        None
    }

    /// Returns the line where the last record starts. It differs from the row after a record of several lines.
    fn last_line(&self) -> u64 {
        self.last_row()
    }
}

/// Maps the records of one format to the lines of a statement.
pub trait RecordReader<S: RecordSource> {
    /// Returns the writer, which collects the problems.
    fn writer(&mut self) -> &mut StatementWriter;

    /// Reads one record. Adds all its problems to those of the writer, and returns the one after
    /// which the rest of the record has no meaning. The reader gets the next record in any case, so that all
    /// problems of a file are reported together.
    fn read(&mut self, record: S::Record<'_>) -> Result<(), Problem>;

    /// Checks what only the end of the file shows, and ends the statement.
    fn finish(self, end: FileEnd) -> Result<Totals, Fault>;
}

/// How the reading of a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEnd {
    /// Whether all records were read. If not, the reader must not report missing records.
    pub complete: bool,
    /// The row of the last record.
    pub last_row: u64,
}

/// Reads all records of a file, until its end, an unreadable record or too many problems.
///
/// [`CsvRecords`] is the source for files with delimiters.
pub fn read<S: RecordSource, R: RecordReader<S>>(
    mut source: S,
    mut reader: R,
) -> Result<Totals, Fault> {
    let mut complete = false;
    // The rows and lines of records with problems.
    let mut places = Vec::new();
    while !reader.writer().problems.is_full() {
        let before = reader.writer().problems.len();
        let read = match source.next() {
            Ok(record) => record.map(|record| reader.read(record)),
            Err(problem) => {
                reader.writer().problems.push(problem);
                break;
            }
        };
        complete = read.is_none();
        if let Some(Err(problem)) = read {
            reader.writer().problems.push(problem);
        }
        if complete || reader.writer().problems.len() > before {
            places.push(place(&source));
        }
        if complete {
            break;
        }
    }
    let last_row = source.last_row();
    if let Some(columns) = source.columns() {
        reader.writer().state_columns(columns);
    }
    let totals = reader.finish(FileEnd { complete, last_row });
    totals.map_err(|fault| with_lines(fault, &places))
}

fn place(source: &impl RecordSource) -> Position {
    Position {
        row: source.last_row(),
        line: source.last_line(),
    }
}

/// Adds the line of the file to the problems of records whose row is another number.
fn with_lines(mut fault: Fault, places: &[Position]) -> Fault {
    if let Fault::Invalid(problems) = &mut fault {
        for problem in problems {
            let place = places.iter().find(|place| Some(place.row) == problem.row);
            if let Some(place) = place {
                problem.message = place.with_line(std::mem::take(&mut problem.message));
            }
        }
    }
    fault
}

/// The rows after the header of a CSV file.
pub struct CsvRecords<R> {
    rows: csv::Reader<R>,
    row: Row,
    header: csv::Columns,
}

impl<R: io::Read> CsvRecords<R> {
    /// Reads the header. `column` is the column that a problem of a file without a header names.
    pub fn open(mut rows: csv::Reader<R>, column: &str) -> Result<Self, Fault> {
        let header = rows.header();
        let header = header.and_then(|header| {
            let message = "the file is empty or ends before its header";
            header.ok_or_else(|| Problem::in_row(rows.last_row(), column, message))
        });
        Ok(Self {
            header: header.map_err(|problem| Fault::Invalid(vec![problem]))?,
            row: Row::default(),
            rows,
        })
    }

    /// Returns the columns of the header.
    pub fn header(&self) -> &csv::Columns {
        &self.header
    }
}

impl<R: io::Read> RecordSource for CsvRecords<R> {
    type Record<'r>
        = &'r Row
    where
        R: 'r;

    fn next(&mut self) -> Result<Option<&Row>, Problem> {
        let found = self.rows.read(&mut self.row)?;
        Ok(found.then_some(&self.row))
    }

    fn last_row(&self) -> u64 {
        self.rows.last_row()
    }

    fn columns(&self) -> Option<&csv::Columns> {
        Some(&self.header)
    }

    fn last_line(&self) -> u64 {
        self.rows.last_line()
    }
}
