//! Reads on SQLite. Each runs on a thread of its own, with one of few connections.

use crate::connection::Connection;
use crate::driver_error::DriverError;
use crate::error::DbError;
use crate::retries::Retries;
use crate::sqlite::{READER_CACHE_KIB, SqliteConnection};
use crate::transaction::{Failure, Mode, Transaction};
use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleResult};
use galleria_ports::Error;
use galleria_ports::records::Work;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Opens connections to a file.
struct Opener(PathBuf);

impl Manager for Opener {
    type Type = SqliteConnection;
    type Error = DriverError;

    async fn create(&self) -> Result<SqliteConnection, DriverError> {
        let file = self.0.clone();
        let opening =
            tokio::task::spawn_blocking(move || SqliteConnection::open(&file, READER_CACHE_KIB));
        opening.await.unwrap_or(Err(DriverError::Closed))
    }

    async fn recycle(&self, _: &mut SqliteConnection, _: &Metrics) -> RecycleResult<DriverError> {
        Ok(())
    }
}

/// Connections for reads of one file.
#[derive(Clone)]
pub(crate) struct Readers {
    connections: Pool<Opener>,
    timeout: Duration,
    running: TaskTracker,
}

impl Readers {
    /// Opens at most `connections`, and the first of them.
    pub(crate) async fn open(
        file: PathBuf,
        connections: u32,
        timeout: Duration,
    ) -> Result<Self, DbError> {
        let max_size = usize::try_from(connections.max(1)).unwrap_or(usize::MAX);
        let failed = |source| DbError::operation("connect", source);
        let readers = Self {
            connections: Pool::builder(Opener(file))
                .max_size(max_size)
                .wait_timeout(Some(timeout))
                .runtime(Runtime::Tokio1)
                .build()
                .map_err(|_| failed(DriverError::Closed))?,
            timeout,
            running: TaskTracker::new(),
        };
        match readers.acquire().await {
            Ok(_) => Ok(readers),
            Err(source) => Err(failed(source)),
        }
    }

    /// Rejects further reads, waits for the running ones and closes the connections.
    pub(crate) async fn close(&self) {
        self.connections.close();
        self.running.close();
        self.running.wait().await;
    }

    /// Runs the work on a snapshot and discards its writes.
    pub(crate) async fn read(&self, work: Work, mode: Mode) -> Result<(), Error> {
        let acquired = self.acquire().await;
        let mut connection = acquired.map_err(|error| Failure::query("connect", error).error)?;
        connection.caller = CancellationToken::new();
        let _caller = connection.caller.clone().drop_guard();
        let runtime = Handle::current();
        let reading = self
            .running
            .spawn_blocking(move || runtime.block_on(read(connection, &work, mode)));
        reading
            .await
            .map_err(|error| Error::Internal(format!("a read ended early: {error}")))?
    }

    async fn acquire(&self) -> Result<Object<Opener>, DriverError> {
        self.connections.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => DriverError::PoolExhausted(self.timeout),
            _ => DriverError::Closed,
        })
    }
}

async fn read(mut connection: Object<Opener>, work: &Work, mode: Mode) -> Result<(), Error> {
    let mut retries = Retries::new(0);
    loop {
        // Deferred: the first query takes the snapshot.
        let begun = connection.command("BEGIN");
        begun.map_err(|error| Failure::query("begin", error).error)?;
        let result = Transaction::run(Connection::Sqlite(&mut connection), mode, work).await;
        if let Err(error) = connection.command("ROLLBACK") {
            // The caller needs the result of the work, and the next one a working connection.
            tracing::debug!(%error, "transaction not rolled back");
            let _ = Object::take(connection);
            return result.map_err(|failure| failure.error);
        }
        match result {
            Ok(()) => return Ok(()),
            Err(failure) => retries.wait(failure).await?,
        }
    }
}
