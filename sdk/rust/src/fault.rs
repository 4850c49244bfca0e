//! How a plugin says that it cannot decide.

use crate::{Fault, Problem};
use std::fmt;

impl Problem {
    /// A problem of one field, named by its dotted path.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            row: None,
            field: field.into(),
            message: message.into(),
        }
    }

    /// The same, of a row of a file: from 1, with the header.
    pub fn in_row(row: u64, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            row: Some(row),
            field: field.into(),
            message: message.into(),
        }
    }
}

impl Fault {
    /// Can never work with this argument: straight to the dead letters.
    ///
    /// ```
    /// use galleria_sdk::Fault;
    ///
    /// let fault = Fault::invalid("lines.3.quantity", "has to be positive");
    /// assert_eq!(fault.message(), "lines.3.quantity: has to be positive");
    /// ```
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(field, message)])
    }

    /// Not now: parked, and tried again when the host's back-off says so.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry(crate::Later {
            seconds: None,
            reason: reason.into(),
        })
    }

    /// Not now: parked, and tried again after about so many seconds.
    pub fn retry_in(seconds: u32, reason: impl Into<String>) -> Self {
        Self::Retry(crate::Later {
            seconds: Some(seconds),
            reason: reason.into(),
        })
    }

    /// The settings are wrong for this event: to the dead letters, to be replayed once they are mended.
    pub fn misconfigured(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Misconfigured(vec![Problem::new(field, message)])
    }

    /// Anything else: tried again with back-off, as often as the event's topic allows.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    /// The fault in one sentence for people. (`Display` is generated, and shows the structure.)
    pub fn message(&self) -> String {
        match self {
            Self::Invalid(problems) | Self::Misconfigured(problems) => {
                let each: Vec<String> = problems.iter().map(Problem::to_string).collect();
                each.join("; ")
            }
            Self::Retry(later) => later.reason.clone(),
            Self::Failed(reason) => reason.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}, ")?;
        }
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// A value that is not what it has to be: what the SDK's own functions answer when they cannot go on.
/// `?` turns it into [`Fault::Invalid`]; [`At::at`] names the field first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// What the value is, such as `date` or `amount`: stands for the field until [`At::at`] names it.
    pub what: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl BadValue {
    pub(crate) fn new(what: &'static str, message: impl Into<String>) -> Self {
        Self {
            what,
            message: message.into(),
        }
    }

    /// As a problem of a row of a file, in a column.
    pub fn in_row(self, row: u64, column: &str) -> Problem {
        Problem::in_row(row, column, self.message)
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.message)
    }
}

impl std::error::Error for BadValue {}

impl From<BadValue> for Fault {
    fn from(bad: BadValue) -> Self {
        Self::invalid(bad.what, bad.message)
    }
}

/// Names the field that a bad value stands in.
pub trait At<T> {
    /// The fault, with the dotted path of the field.
    ///
    /// ```
    /// use galleria_sdk::prelude::*;
    ///
    /// let fault = Instant::parse("yesterday").at("entry.begun_at").expect_err("no instant");
    /// assert!(matches!(&fault, Fault::Invalid(problems) if problems[0].field == "entry.begun_at"));
    /// ```
    fn at(self, field: &str) -> Result<T, Fault>;
}

impl<T> At<T> for Result<T, BadValue> {
    fn at(self, field: &str) -> Result<T, Fault> {
        self.map_err(|bad| Fault::invalid(field, bad.message))
    }
}
