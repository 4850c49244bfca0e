//! Detects commits to an SQLite file.

use crate::address::Address;
use crate::error::DbError;
use sqlx::{AnyConnection, Connection as _};
use tokio::sync::Mutex;

/// A connection that never writes. SQLite changes its `data_version` with each commit of another connection, of this
/// process or of another one.
pub(crate) struct CommitWatch(Mutex<Option<AnyConnection>>);

impl CommitWatch {
    pub(crate) async fn open(address: &Address) -> Result<Self, DbError> {
        let connection = address.connect().await?;
        Ok(Self(Mutex::new(Some(connection))))
    }

    /// The number of the last commit; `None` if SQLite does not return it.
    pub(crate) async fn number(&self) -> Option<i64> {
        let mut connection = self.0.lock().await;
        let query = sqlx::query_scalar("PRAGMA data_version");
        query.fetch_one(connection.as_mut()?).await.ok()
    }

    /// Closes the connection.
    pub(crate) async fn close(&self) {
        if let Some(connection) = self.0.lock().await.take() {
            // A failure to close does not matter: the connection has written nothing.
            let _ = connection.close().await;
        }
    }
}
