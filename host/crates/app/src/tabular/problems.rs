//! The problems of a file: collected up to a limit and reported together.

use super::columns::Cells;
use galleria_csv::Position;
use galleria_domain::Problem;
use galleria_ports::Error;

/// The maximum number of problems that are listed; all are counted.
pub const MAX_LISTED: usize = 1000;

/// The violated rule, if any.
pub(crate) type Wrong = Option<&'static str>;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum NotImported {
    /// The file is invalid.
    #[error("nothing was imported: {} of the file's cells {} invalid", .0.total, if .0.total == 1 { "is" } else { "are" })]
    Refused(Problems),
    /// Rows concern stores that the caller may not change.
    #[error("nothing was imported: {} of the file's rows {} out of the caller's reach", .0.total, if .0.total == 1 { "is" } else { "are" })]
    Beyond(Problems),
    /// The import was stopped.
    #[error("nothing was imported: the import was stopped")]
    Stopped,
    /// The file could not be read.
    #[error("reading the file failed: {0}")]
    Unread(#[from] std::io::Error),
    /// Another error.
    #[error(transparent)]
    Other(#[from] Error),
}

/// The problems of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first problems, in the order in which they were found.
    pub listed: Vec<Problem>,
    /// The number of all problems.
    pub total: u64,
}

impl Problems {
    pub(crate) fn add(&mut self, problem: Problem) {
        self.total += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(problem);
        }
    }

    /// The problems of two lists, by row.
    pub(crate) fn merged(mut self, others: Self) -> Self {
        self.listed.extend(others.listed);
        self.listed.sort_by_key(|problem| problem.row);
        self.listed.truncate(MAX_LISTED);
        Self {
            total: self.total + others.total,
            ..self
        }
    }

    /// Adds a problem of a row and column.
    pub(crate) fn of_row(&mut self, at: Position, column: &str, message: impl Into<String>) {
        self.add(Problem {
            row: Some(at.row),
            ..Problem::new(column, at.with_line(message.into()))
        });
    }
}

/// A row, and the list that its problems are added to.
pub(crate) struct RowProblems<'a> {
    pub cells: &'a Cells,
    pub problems: &'a mut Problems,
}

impl RowProblems<'_> {
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
        self.report(column, wrong);
    }

    pub fn report(&mut self, column: &str, wrong: Wrong) {
        if let Some(message) = wrong {
            self.add(column, message);
        }
    }

    pub fn add(&mut self, column: &str, message: impl Into<String>) {
        self.problems.of_row(self.cells.at, column, message);
    }
}
