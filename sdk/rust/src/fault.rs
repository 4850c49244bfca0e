//! Faults: why a plugin cannot decide.

use crate::{Fault, Problem};
use std::fmt;

impl Problem {
    /// Returns a problem of one field, named by its dotted path.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            row: None,
            field: field.into(),
            message: message.into(),
        }
    }

    /// Returns a problem of a row of a file, counted from 1 with the header.
    pub fn in_row(row: u64, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            row: Some(row),
            field: field.into(),
            message: message.into(),
        }
    }
}

impl Fault {
    /// This argument can never work. The event becomes a dead letter.
    ///
    /// ```
    /// use galleria_sdk::Fault;
    ///
    /// let fault = Fault::invalid("lines.3.quantity", "must be positive");
    /// assert_eq!(fault.message(), "lines.3.quantity: must be positive");
    /// ```
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(field, message)])
    }

    /// Temporary. The event is parked, and the host's back-off decides when to try again.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry(crate::Later {
            seconds: None,
            reason: reason.into(),
        })
    }

    /// Temporary. The event is parked and tried again after about this time.
    pub fn retry_in(seconds: u32, reason: impl Into<String>) -> Self {
        Self::Retry(crate::Later {
            seconds: Some(seconds),
            reason: reason.into(),
        })
    }

    /// The settings are wrong for this event. It becomes a dead letter, to be replayed after they
    /// are corrected.
    pub fn misconfigured(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Misconfigured(vec![Problem::new(field, message)])
    }

    /// Any other failure. The host tries again with back-off, as often as the event's topic allows.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    /// Returns the fault as one sentence for people. (`Display` is generated and shows the
    /// structure.)
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

/// An invalid value. The SDK's own functions return it. `?` converts it to [`Fault::Invalid`];
/// [`At::at`] names the field first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// The kind of value, such as `date` or `amount`. It replaces the field until [`At::at`] names
    /// one.
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

    /// Converts to a problem of a row and column of a file.
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

/// Names the field of a bad value.
pub trait At<T> {
    /// Returns the fault, with the dotted path of the field.
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
