//! Which failed work may be retried.
//!
//! Owns the classification of errors. An unanswered commit is never retried here: its outcome is
//! unknown, so the caller receives the error and repeats the request with its idempotency key.

use sqlx::postgres::PgDatabaseError;

/// The action that may help after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Nothing that the database can do.
    Never,
    /// Run the work again: transactions conflicted, or the server closed the connection before the
    /// commit.
    Work,
    /// Run the work again on another connection: this one has queries prepared for tables that a
    /// migration has changed.
    NewConnection,
}

impl Retry {
    /// Classifies the error of a query.
    pub(crate) fn after_query(error: &sqlx::Error) -> Self {
        match code(error).as_deref() {
            // PostgreSQL: serialization failure, deadlock. SQLite: busy, outdated snapshot.
            Some("40001" | "40P01" | "5" | "517") => Self::Work,
            Some("0A000") if is_outdated_plan(error) => Self::NewConnection,
            _ if is_connection_lost(error) => Self::Work,
            _ => Self::Never,
        }
    }

    /// Classifies the error of a commit: retryable only if the server reported a rollback.
    pub(crate) fn after_commit(error: &sqlx::Error) -> Self {
        match code(error).as_deref() {
            Some("40001" | "40P01") => Self::Work,
            _ => Self::Never,
        }
    }
}

/// Whether the connection is lost or about to close. False for all errors of SQLite.
pub(crate) fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(_) => {
            let code = code(error);
            let code = code.as_deref().unwrap_or_default();
            // Administrator's command, crash, start or shutdown, idle session timeout. Not the
            // timeout of an idle transaction, which the work itself causes.
            matches!(code, "57P01" | "57P02" | "57P03" | "57P05")
                || (code.len() == 5 && code.starts_with("08"))
        }
        _ => false,
    }
}

/// Detects `cached plan must not change result type` in any language of the server.
fn is_outdated_plan(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let error = error.and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.and_then(PgDatabaseError::routine) == Some("RevalidateCachedQuery")
}

/// The database's error code.
pub(crate) fn code(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?;
    error.code().map(|code| code.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_retried_and_a_lost_commit_is_not() {
        let lost = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(Retry::after_query(&lost), Retry::Work);
        assert_eq!(Retry::after_commit(&lost), Retry::Never);
        assert_eq!(Retry::after_query(&sqlx::Error::PoolTimedOut), Retry::Never);
        assert_eq!(Retry::after_query(&sqlx::Error::RowNotFound), Retry::Never);
    }
}
