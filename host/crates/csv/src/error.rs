//! Errors of records.

use crate::Position;
use std::{fmt, io};

/// An error in one cell. It is displayed without its place.
#[derive(Debug)]
pub struct RecordError {
    /// The place of the record.
    pub position: Position,
    /// The index of the cell.
    pub column: usize,
    /// The violated rule.
    pub cause: Cause,
    /// Whether reading ends here. Otherwise the records after this one can be read.
    pub is_final: bool,
}

/// The violated rule.
#[derive(Debug)]
pub enum Cause {
    /// Text follows the closing quote of the cell.
    TextAfterQuote,
    /// The quote at the start of the cell is not closed: in the rest of the file, or within this many bytes.
    UnclosedQuote(Option<usize>),
    /// The cell has more than this many bytes.
    CellTooLong(usize),
    /// The record has more than this many bytes.
    RecordTooLong(usize),
    /// The record has more than this many cells.
    TooManyCells(usize),
    /// The encoding of the file or its line `sep=` is not supported. The message contains the rule.
    Start(String),
    /// The file could not be read.
    Unread(io::Error),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let twice = "write a quote within a quoted cell twice";
        match &self.cause {
            Cause::TextAfterQuote => write!(f, "has text after its closing quote; {twice}"),
            Cause::UnclosedQuote(None) => {
                write!(f, "starts with a quote that is not closed; {twice}")
            }
            Cause::UnclosedQuote(Some(most)) => write!(
                f,
                "starts with a quote that is not closed within {most} bytes; {twice}"
            ),
            Cause::CellTooLong(most) => write!(f, "has more than {most} bytes"),
            Cause::RecordTooLong(most) => write!(f, "ends a row of more than {most} bytes"),
            Cause::TooManyCells(most) => {
                write!(f, "is more than the {most} columns that are read")
            }
            Cause::Start(message) => f.write_str(message),
            Cause::Unread(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl std::error::Error for RecordError {}
