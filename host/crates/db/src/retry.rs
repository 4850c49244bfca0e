//! Which failed work may be retried.
//!
//! Owns the classification of errors. An unanswered commit is never retried here: its outcome is
//! unknown, so the caller receives the error and repeats the request with its idempotency key.

use crate::driver_error::{Code, DriverError};

/// The action that may help after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Nothing that the database can do.
    Never,
    /// Run the work again: transactions conflicted, or the server closed the connection before the
    /// commit.
    Work,
    /// Run the work again without assumptions: a row existed that the work assumed to be new, or the reverse.
    Checked,
    /// Run the work again on another connection: this one has queries prepared for tables that a
    /// migration has changed.
    NewConnection,
}

impl Retry {
    /// Classifies the error of a query.
    pub(crate) fn after_query(error: &DriverError) -> Self {
        match error.code() {
            // Serialization failure, deadlock.
            Some(Code::Postgres("40001" | "40P01")) => Self::Work,
            // Unique violation.
            Some(Code::Postgres("23505")) => Self::Checked,
            // Busy, outdated snapshot.
            Some(Code::Sqlite(5 | 517)) => Self::Work,
            Some(Code::Postgres("0A000")) if is_outdated_plan(error) => Self::NewConnection,
            _ if matches!(error, DriverError::Assumption) => Self::Checked,
            _ if is_connection_lost(error) => Self::Work,
            _ => Self::Never,
        }
    }

    /// Classifies the error of a commit: retryable only if the server reported a rollback.
    pub(crate) fn after_commit(error: &DriverError) -> Self {
        match error.code() {
            Some(Code::Postgres("40001" | "40P01")) => Self::Work,
            _ => Self::Never,
        }
    }
}

/// Whether the connection is lost or about to close. False for all errors of SQLite.
pub(crate) fn is_connection_lost(error: &DriverError) -> bool {
    match error.code() {
        // Administrator's command, crash, start or shutdown, idle session timeout. Not the
        // timeout of an idle transaction, which the work itself causes.
        Some(Code::Postgres(code)) => {
            matches!(code, "57P01" | "57P02" | "57P03" | "57P05") || code.starts_with("08")
        }
        Some(Code::Sqlite(_)) => false,
        None => error.is_socket_error(),
    }
}

/// Detects `cached plan must not change result type` in any language of the server.
fn is_outdated_plan(error: &DriverError) -> bool {
    matches!(error, DriverError::Postgres { routine: Some(routine), .. } if routine == "RevalidateCachedQuery")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn reported(code: &str, routine: &str) -> DriverError {
        DriverError::Postgres {
            code: code.to_owned(),
            message: String::new(),
            routine: Some(routine.to_owned()),
        }
    }

    #[test]
    fn a_lost_connection_is_retried_and_a_lost_commit_is_not() {
        for code in ["57P01", "08006", "08P01"] {
            let lost = reported(code, "ProcessInterrupts");
            assert_eq!(Retry::after_query(&lost), Retry::Work);
            assert_eq!(Retry::after_commit(&lost), Retry::Never);
        }
        for never in [DriverError::NoAnswer(Duration::ZERO), DriverError::Null] {
            assert_eq!(Retry::after_query(&never), Retry::Never);
        }
        for wrong in [
            reported("23505", "_bt_check_unique"),
            DriverError::Assumption,
        ] {
            assert_eq!(Retry::after_query(&wrong), Retry::Checked);
            assert_eq!(Retry::after_commit(&wrong), Retry::Never);
        }
        let plan = reported("0A000", "RevalidateCachedQuery");
        assert_eq!(Retry::after_query(&plan), Retry::NewConnection);
        assert_eq!(Retry::after_query(&reported("0A000", "x")), Retry::Never);
        let deadlock = reported("40P01", "DeadLockReport");
        assert_eq!(Retry::after_commit(&deadlock), Retry::Work);
    }
}
