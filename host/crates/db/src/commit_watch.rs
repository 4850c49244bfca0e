//! Detects commits to an SQLite file.

use crate::driver_error::DriverError;
use crate::error::DbError;
use crate::sqlite::{READER_CACHE_KIB, SqliteConnection};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio::task::spawn_blocking;

/// A connection that never writes. SQLite changes its `data_version` with each commit of another connection, of this
/// process or of another one.
pub(crate) struct CommitWatch(Mutex<Option<SqliteConnection>>);

impl CommitWatch {
    pub(crate) async fn open(file: PathBuf) -> Result<Self, DbError> {
        let opening = move || SqliteConnection::open(&file, READER_CACHE_KIB);
        let opened = spawn_blocking(opening).await;
        let connection = opened.unwrap_or(Err(DriverError::Closed));
        let connection = connection.map_err(|source| DbError::operation("connect", source))?;
        Ok(Self(Mutex::new(Some(connection))))
    }

    /// The number of the last commit; `None` if SQLite does not return it. It is read from shared memory, without waiting.
    pub(crate) fn number(&self) -> Option<i64> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.as_ref()?.data_version().ok()
    }

    /// Closes the connection.
    pub(crate) fn close(&self) {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *connection = None;
    }
}
