//! Reads a file row by row: CSV, or JSON Lines.
//!
//! Owns: the limits that keep memory constant for every file.

mod csv;
mod json_lines;

use self::csv::CsvRows;
use self::json_lines::JsonLines;
use super::Problems;
use super::columns::{Cells, Layout};
use serde::Deserialize;
use std::io::{self, Read, Seek, SeekFrom};

/// A file that can be read twice: it is checked completely before anything is written.
pub trait Upload: Read + Seek + Send {}
impl<T: Read + Seek + Send> Upload for T {}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header and rows, with cells separated by `,`, `;`, `|` or a tab.
    Csv,
    /// One JSON object on each line.
    JsonLines,
}

/// What happens to the `'` that precedes a text so that no spreadsheet evaluates it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Guards {
    /// It is removed: CSV files of plugins have it before `=`, `+`, `-`, `@`, a tab or a line break.
    #[default]
    Remove,
    /// It is part of the text.
    Keep,
}

/// The rows of a file.
pub(crate) struct Rows<'f> {
    layout: &'static Layout,
    rows: u64,
    source: Source<'f>,
}

enum Source<'f> {
    Csv(Box<CsvRows<'f>>),
    JsonLines(JsonLines<'f>),
}

impl<'f> Rows<'f> {
    /// Starts at the beginning of the file. None if the header is invalid.
    pub fn open(
        file: &'f mut dyn Upload,
        layout: &'static Layout,
        format: Format,
        guards: Guards,
        problems: &mut Problems,
    ) -> io::Result<Option<Self>> {
        file.seek(SeekFrom::Start(0))?;
        let source = match format {
            Format::Csv => {
                let rows = CsvRows::open(file, layout, guards, problems)?;
                rows.map(|rows| Source::Csv(Box::new(rows)))
            }
            Format::JsonLines => Some(Source::JsonLines(JsonLines::new(file, layout))),
        };
        Ok(source.map(|source| Self {
            layout,
            rows: 0,
            source,
        }))
    }

    /// The names of the additional columns, in the order of the file.
    pub fn further(&self) -> &[String] {
        match &self.source {
            Source::Csv(rows) => rows.further(),
            Source::JsonLines(_) => &[],
        }
    }

    /// Returns a note for the user about the end of the file, if there is one. Known after the last row.
    pub fn note(&self) -> Option<&'static str> {
        match &self.source {
            Source::Csv(rows) => rows.note(),
            Source::JsonLines(lines) => lines.note(),
        }
    }

    /// Returns the next row that is not empty; `None` at the end, and after an error that ends the reading.
    /// Unreadable cells are added to the problems, and the rest of the row is returned.
    pub fn next(&mut self, problems: &mut Problems) -> io::Result<Option<Cells>> {
        loop {
            let next = match &mut self.source {
                Source::Csv(rows) => rows.next(problems)?,
                Source::JsonLines(lines) => lines.next(problems)?,
            };
            let Some(cells) = next else {
                return Ok(None);
            };
            // Skip rows of empty cells, which spreadsheets write at the end.
            if cells.whole && cells.texts.iter().all(String::is_empty) {
                continue;
            }
            self.rows += 1;
            let most = self.layout.rows;
            if self.rows > most {
                let message =
                    format!("must have at most {most} rows; send the rest in another file");
                problems.of_row(cells.at, "file", message);
                return Ok(None);
            }
            return Ok(Some(cells));
        }
    }
}

#[cfg(test)]
mod tests;
