//! Errors of the drivers of both databases.

use std::io;
use std::time::Duration;

/// Failure of a database or of the connection to it. Contains no values of rows or parameters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// SQLite reported an error.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
    /// PostgreSQL reported an error.
    #[error("{message} (SQLSTATE {code})")]
    Postgres {
        /// The SQLSTATE.
        code: String,
        /// The message. Details, which quote rows, are omitted.
        message: String,
        /// The server's function that reported it.
        routine: Option<String>,
    },
    /// The connection to PostgreSQL failed.
    #[error(transparent)]
    Connection(tokio_postgres::Error),
    /// PostgreSQL did not answer.
    #[error("no answer within {0:?}")]
    NoAnswer(Duration),
    /// All connections were in use.
    #[error("no database connection became free within {0:?}")]
    PoolExhausted(Duration),
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
    /// A query changed another number of rows than the work assumed.
    #[error("the query changed another number of rows than the work assumed")]
    Assumption,
    /// The query has no such column.
    #[error("the query returns no such column")]
    NoColumn,
    /// A column has another type.
    #[error("the value has another type")]
    ColumnType,
    /// A column is NULL.
    #[error("the value is NULL")]
    Null,
    /// A text has a placeholder without a value.
    #[error("placeholder {0} has no value")]
    Placeholder(String),
}

impl From<rusqlite::Error> for DriverError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<tokio_postgres::Error> for DriverError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(answer) => Self::Postgres {
                code: answer.code().code().to_owned(),
                message: answer.message().to_owned(),
                routine: answer.routine().map(str::to_owned),
            },
            None => Self::Connection(error),
        }
    }
}

impl DriverError {
    /// The database's error code: an SQLSTATE, or the extended result code of SQLite.
    pub(crate) fn code(&self) -> Option<Code<'_>> {
        match self {
            Self::Sqlite(error) => error
                .sqlite_error()
                .map(|error| Code::Sqlite(error.extended_code)),
            Self::Postgres { code, .. } => Some(Code::Postgres(code)),
            _ => None,
        }
    }

    /// Whether a limit of SQLite stopped the query.
    pub(crate) fn is_interruption(&self) -> bool {
        self.code() == Some(Code::Sqlite(rusqlite::ffi::SQLITE_INTERRUPT))
    }

    /// Whether the socket failed or closed. A rejected certificate is not a lost connection.
    pub(crate) fn is_socket_error(&self) -> bool {
        let Self::Connection(error) = self else {
            return false;
        };
        let cause = std::error::Error::source(error);
        let io = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
        let is_tls = |error: &io::Error| {
            error
                .get_ref()
                .is_some_and(|inner| inner.is::<rustls::Error>())
        };
        error.is_closed() || io.is_some_and(|error| !is_tls(error))
    }
}

/// An error code of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code<'e> {
    Sqlite(i32),
    Postgres(&'e str),
}

/// A failed query, and its name.
#[derive(Debug)]
pub(crate) struct QueryError {
    pub(crate) query: &'static str,
    pub(crate) source: DriverError,
}
