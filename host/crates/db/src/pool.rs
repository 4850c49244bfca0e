//! Transactions on PostgreSQL.
//!
//! A write runs at READ COMMITTED. This is sufficient because no decision depends on a
//! row that another transaction may change: the ports state which rows they lock, and each claim,
//! number and position is one query that a unique index or a locked row decides. After a deadlock, or
//! if the server closes the connection before the commit, the work runs again. After an unanswered
//! commit the caller receives an error and repeats its request.

use crate::connection::Connection;
use crate::driver_error::DriverError;
use crate::error::DbError;
use crate::postgres::{BEGIN_READ, BEGIN_WRITE, Server};
use crate::postgres_connection::PostgresConnection;
use crate::retries::Retries;
use crate::retry::Retry;
use crate::transaction::{Failure, Mode, Transaction};
use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, PoolError, RecycleError, RecycleResult};
use futures_util::FutureExt as _;
use galleria_ports::Error;
use galleria_ports::records::Work;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Longest wait for the answer to COMMIT: as long as the work may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest life of a connection: the server keeps memory for all that a connection ever used.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// Opens connections for a pool.
struct Connector(Server);

impl Manager for Connector {
    type Type = PostgresConnection;
    type Error = DriverError;

    async fn create(&self) -> Result<PostgresConnection, DriverError> {
        self.0.connect_pooled().await
    }

    /// Sends nothing: a closed socket is noticed here, and any other loss by the next query.
    async fn recycle(
        &self,
        connection: &mut PostgresConnection,
        metrics: &Metrics,
    ) -> RecycleResult<DriverError> {
        match connection.is_lost() || metrics.age() > MAX_AGE {
            true => Err(RecycleError::message("closed or old")),
            false => Ok(()),
        }
    }
}

/// Connections to one server.
#[derive(Clone)]
pub(crate) struct Pool {
    connections: deadpool::managed::Pool<Connector>,
    timeout: Duration,
    running: TaskTracker,
}

impl Pool {
    /// Opens a pool of at most `connections`, and the first of them.
    pub(crate) async fn open(
        server: &Server,
        connections: u32,
        timeout: Duration,
    ) -> Result<Self, DbError> {
        let max_size = usize::try_from(connections.max(1)).unwrap_or(usize::MAX);
        let pool = Self {
            connections: deadpool::managed::Pool::builder(Connector(server.clone()))
                .max_size(max_size)
                .wait_timeout(Some(timeout))
                .runtime(Runtime::Tokio1)
                .build()
                .map_err(|_| DbError::operation("connect", DriverError::Closed))?,
            timeout,
            running: TaskTracker::new(),
        };
        let first = pool.acquire().await;
        match first {
            Ok(_) => Ok(pool),
            Err(source) => Err(server.connect_error(source)),
        }
    }

    /// Rejects further work, and waits for the work that has a connection.
    pub(crate) async fn close(&self) {
        self.connections.close();
        self.running.close();
        self.running.wait().await;
    }

    /// Runs the work in its own transaction, and again after a retryable failure.
    pub(crate) async fn run(&self, work: &Work, mut mode: Mode) -> Result<(), Error> {
        let mut retries = Retries::new(self.connections.status().max_size);
        loop {
            match self.running.track_future(self.attempt(work, mode)).await {
                Ok(()) => return Ok(()),
                Err(failure) if failure.retry == Retry::Checked && mode == Mode::Write => {
                    mode = Mode::CheckedWrite;
                }
                Err(failure) => retries.wait(failure).await?,
            }
        }
    }

    async fn attempt(&self, work: &Work, mode: Mode) -> Result<(), Failure> {
        // Connecting was already retried.
        let connection = self.acquire().await.map_err(|source| Failure {
            retry: Retry::Never,
            ..Failure::query("connect", source)
        })?;
        let mut open = OpenTransaction::begin(connection, mode);
        let result = open.run(mode, work).await;
        match &result {
            Ok(()) if mode != Mode::Read => open.end(),
            // Dropping rolls back.
            Err(failure) if failure.is_stuck || failure.retry == Retry::NewConnection => {
                open.discard();
            }
            _ => {}
        }
        result
    }

    async fn acquire(&self) -> Result<Object<Connector>, DriverError> {
        self.connections.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => DriverError::PoolExhausted(self.timeout),
            _ => DriverError::Closed,
        })
    }
}

/// Rolls back when dropped, also when the caller stops waiting.
struct OpenTransaction {
    connection: Option<Object<Connector>>,
}

impl OpenTransaction {
    fn begin(mut connection: Object<Connector>, mode: Mode) -> Self {
        match mode {
            Mode::ReadOne => {}
            Mode::Read => connection.begin(BEGIN_READ, false),
            Mode::WriteOne => connection.begin(BEGIN_WRITE, true),
            Mode::Write | Mode::CheckedWrite => connection.begin(BEGIN_WRITE, false),
        }
        Self {
            connection: Some(connection),
        }
    }

    /// Runs the work. Commits a write.
    async fn run(&mut self, mode: Mode, work: &Work) -> Result<(), Failure> {
        let Some(connection) = self.connection.as_deref_mut() else {
            return Err(Failure::query("begin", DriverError::Closed));
        };
        Transaction::run(Connection::Postgres(connection), mode, work).await?;
        if !mode.commits() {
            return Ok(());
        }
        // The machine of a server can fail without closing the connection.
        match tokio::time::timeout(ANSWER_TIMEOUT, connection.commit()).await {
            Ok(Err(error)) => Err(Failure::at_commit(error)),
            Ok(Ok(())) => Ok(()),
            Err(_) => Err(Failure::stuck(Error::records(
                "database operation failed: commit",
                DriverError::NoAnswer(ANSWER_TIMEOUT),
            ))),
        }
    }

    /// Returns the connection to the pool.
    fn end(mut self) {
        self.connection = None;
    }

    /// Closes the connection. The server rolls back.
    fn discard(mut self) {
        self.connection.take().map(Object::take);
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        let (Some(connection), Ok(runtime)) = (self.connection.take(), Handle::try_current())
        else {
            return;
        };
        let mut rolling_back = roll_back(connection).boxed();
        if (&mut rolling_back).now_or_never().is_none() {
            runtime.spawn(rolling_back);
        }
    }
}

/// Rolls back, and returns the connection to the pool, or closes it if it is lost.
async fn roll_back(mut connection: Object<Connector>) {
    let rolled_back = tokio::time::timeout(ANSWER_TIMEOUT, connection.roll_back()).await;
    if !matches!(rolled_back, Ok(Ok(()))) {
        drop(Object::take(connection));
    }
}
