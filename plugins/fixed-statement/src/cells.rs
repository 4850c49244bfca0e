//! Records of cells with delimiters, and the records of a file in either form.

use crate::field::{Content, Record};
use crate::records::Records;
use crate::settings::Settings;
use galleria_sdk::Problem;
use galleria_sdk::csv::{self, Row};
use galleria_sdk::statement::RecordSource;
use std::io::Read;

/// The records of a file.
pub enum Source<R> {
    /// Fields are at positions of a line.
    Lines(Records<R>),
    /// Fields are cells.
    Cells(Box<csv::Reader<R>>, Row),
}

impl<R: Read> Source<R> {
    pub fn new(input: R, settings: &Settings) -> Self {
        match settings.delimiter {
            None => Self::Lines(Records::new(input, settings.encoding, settings.unit)),
            Some(delimiter) => {
                let rows = csv::Reader::new(input, delimiter as u8, settings.encoding);
                Self::Cells(Box::new(rows), Row::default())
            }
        }
    }
}

impl<R: Read> RecordSource for Source<R> {
    type Record<'r>
        = Record<'r>
    where
        R: 'r;

    fn next(&mut self) -> Result<Option<Record<'_>>, Problem> {
        match self {
            Self::Lines(lines) => lines.next(),
            Self::Cells(rows, row) => {
                let found = rows.read(row)?;
                Ok(found.then_some(Record {
                    row: row.number(),
                    content: Content::Cells(row),
                }))
            }
        }
    }

    fn last_row(&self) -> u64 {
        match self {
            Self::Lines(lines) => lines.last_row(),
            Self::Cells(rows, _) => rows.last_row(),
        }
    }

    fn last_line(&self) -> u64 {
        match self {
            Self::Lines(lines) => lines.last_row(),
            Self::Cells(rows, _) => rows.last_line(),
        }
    }
}
