//! What is wrong with a file: gathered, bounded, told together.

use super::Cells;
use galleria_domain::Problem;
use galleria_ports::Error;

/// Problems that are told; all are counted.
pub const TOLD: usize = 1000;

/// What would be right, or nothing where it is.
pub(crate) type Wrong = Option<&'static str>;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum NotImported {
    /// The file is wrong.
    #[error("{} of the file's cells {} wrong: nothing was imported", .0.total, if .0.total == 1 { "is" } else { "are" })]
    Refused(Problems),
    /// Rows are about what the caller cannot reach.
    #[error("{} of the file's rows {} out of reach: nothing was imported", .0.total, if .0.total == 1 { "is" } else { "are" })]
    Beyond(Problems),
    /// It was stopped.
    #[error("the import was stopped: nothing was imported")]
    Stopped,
    /// The file could not be read.
    #[error("the file could not be read: {0}")]
    Unread(#[from] std::io::Error),
    /// Something else.
    #[error(transparent)]
    Other(#[from] Error),
}

/// What is wrong with a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first of them, in the order in which they were found.
    pub told: Vec<Problem>,
    /// How many there are.
    pub total: u64,
}

impl Problems {
    pub(crate) fn add(&mut self, problem: Problem) {
        self.total += 1;
        if self.told.len() < TOLD {
            self.told.push(problem);
        }
    }

    /// One of a row's column.
    pub(crate) fn of_row(&mut self, row: u64, column: &str, message: impl Into<String>) {
        self.add(Problem {
            row: Some(row),
            ..Problem::new(column, message)
        });
    }
}

/// A row and where its problems go.
pub(crate) struct Told<'a> {
    pub cells: &'a Cells,
    pub problems: &'a mut Problems,
}

impl Told<'_> {
    pub fn text(&self, column: &str) -> String {
        self.cells.text(column).to_owned()
    }

    pub fn or(&self, column: &str, default: &str) -> String {
        match self.cells.text(column) {
            "" => default.to_owned(),
            text => text.to_owned(),
        }
    }

    pub fn check(&mut self, column: &'static str, check: fn(&str) -> Wrong) {
        let wrong = check(self.cells.text(column));
        self.told(column, wrong);
    }

    pub fn told(&mut self, column: &str, wrong: Wrong) {
        if let Some(message) = wrong {
            self.add(column, message);
        }
    }

    pub fn add(&mut self, column: &str, message: impl Into<String>) {
        self.problems.of_row(self.cells.row, column, message);
    }
}
