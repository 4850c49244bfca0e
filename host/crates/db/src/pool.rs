//! Transactions on a connection pool: all reads, and the writes on PostgreSQL.
//!
//! A write on PostgreSQL runs at READ COMMITTED. This is sufficient because no decision depends on a
//! row that another transaction may change: the ports state which rows they lock, and each claim,
//! number and position is one query that a unique index or a locked row decides. After a deadlock, or
//! if the server closes the connection before the commit, the work runs again. After an unanswered
//! commit the caller receives an error and repeats its request.

use crate::counters::CommitCounters;
use crate::dialect::Dialect;
use crate::retry::Retry;
use crate::transaction::{Failure, Mode, Transaction};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use galleria_ports::Error;
use galleria_ports::records::Work;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _};
use std::time::Duration;

/// Retries of work after conflicts. Ten pauses that double from 2 ms to 250 ms last more than a
/// second in total: transactions that still conflict then would conflict forever.
const MAX_RETRIES: usize = 10;

/// Longest wait for the answer to BEGIN, COMMIT or ROLLBACK: as long as the work may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections to one database.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: AnyPool,
    dialect: Dialect,
}

impl Pool {
    pub(crate) fn new(pool: AnyPool, dialect: Dialect) -> Self {
        Self { pool, dialect }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs the work in its own transaction, and again after a retryable failure.
    pub(crate) async fn write(&self, work: &Work, counters: &CommitCounters) -> Result<(), Error> {
        self.run(work, Mode::Write).await?;
        counters.add(1);
        Ok(())
    }

    /// Runs the work on a snapshot and discards its writes.
    pub(crate) async fn read(&self, work: &Work) -> Result<(), Error> {
        self.run(work, Mode::Read).await
    }

    async fn run(&self, work: &Work, mode: Mode) -> Result<(), Error> {
        let mut retries = Retries::new(self.pool.options().get_max_connections());
        loop {
            match self.attempt(work, mode).await {
                Ok(()) => return Ok(()),
                Err(failure) => retries.wait(failure).await?,
            }
        }
    }

    async fn attempt(&self, work: &Work, mode: Mode) -> Result<(), Failure> {
        let acquired = self.pool.acquire().await;
        let mut connection = acquired.map_err(|error| Failure::query("connect", error))?;
        let result = match mode {
            Mode::Write => write_on(&mut connection, self.dialect, work).await,
            Mode::Read => read_on(&mut connection, self.dialect, work).await,
        };
        if let Err(Failure {
            retry: Retry::NewConnection,
            ..
        }) = &result
        {
            discard(connection).await;
        }
        result
    }
}

async fn write_on(
    connection: &mut AnyConnection,
    dialect: Dialect,
    work: &Work,
) -> Result<(), Failure> {
    let begun = with_timeout("begin", connection.begin()).await?;
    let mut transaction = begun.map_err(|error| Failure::query("begin", error))?;
    match Transaction::run(&mut transaction, dialect, Mode::Write, work).await {
        Ok(()) => {
            let committed = with_timeout("commit", transaction.commit()).await?;
            committed.map_err(Failure::commit)
        }
        Err(failure) => {
            roll_back(transaction).await;
            Err(failure)
        }
    }
}

async fn read_on(
    connection: &mut AnyConnection,
    dialect: Dialect,
    work: &Work,
) -> Result<(), Failure> {
    let begin = match dialect {
        // Deferred: the first query takes the snapshot.
        Dialect::Sqlite => "BEGIN",
        Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ",
    };
    let begun = with_timeout("begin", connection.begin_with(begin)).await?;
    let mut transaction = begun.map_err(|error| Failure::query("begin", error))?;
    let result = Transaction::run(&mut transaction, dialect, Mode::Read, work).await;
    roll_back(transaction).await;
    result
}

/// Limits the wait for an answer: the machine of a server can fail without closing the connection.
async fn with_timeout<T>(operation: &str, answer: impl Future<Output = T>) -> Result<T, Failure> {
    let answered = tokio::time::timeout(ANSWER_TIMEOUT, answer).await;
    answered.map_err(|_| {
        Error::records(
            format!("database operation failed: {operation}: no answer within {ANSWER_TIMEOUT:?}"),
            std::io::Error::from(std::io::ErrorKind::TimedOut),
        )
        .into()
    })
}

/// The remaining retries of one piece of work.
struct Retries<P> {
    pauses: P,
    /// Each pooled connection may have outdated plans, so this many new connections may be needed.
    connections: u32,
}

impl Retries<()> {
    fn new(connections: u32) -> Retries<impl Iterator<Item = Duration> + Send> {
        Retries {
            pauses: ExponentialBuilder::default()
                .with_jitter()
                .with_min_delay(Duration::from_millis(2))
                .with_max_delay(Duration::from_millis(250))
                .with_max_times(MAX_RETRIES)
                .build(),
            connections,
        }
    }
}

impl<P: Iterator<Item = Duration>> Retries<P> {
    /// Waits before the next attempt, or returns the error if no attempt is left.
    async fn wait(&mut self, failure: Failure) -> Result<(), Error> {
        match failure.retry {
            Retry::Never => return Err(failure.error),
            Retry::Work => {
                let Some(pause) = self.pauses.next() else {
                    return Err(failure.error);
                };
                tokio::time::sleep(pause).await;
            }
            Retry::NewConnection => {
                let left = self.connections.checked_sub(1);
                self.connections = left.ok_or(failure.error)?;
            }
        }
        Ok(())
    }
}

/// Closes a connection. The pool opens another when it needs one.
async fn discard(connection: PoolConnection<Any>) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "connection not closed");
    }
}

async fn roll_back(transaction: sqlx::Transaction<'_, Any>) {
    // If the server does not answer, the pool detects it when it tests the connection.
    if let Ok(Err(error)) = tokio::time::timeout(ANSWER_TIMEOUT, transaction.rollback()).await {
        // The connection is broken and the pool drops it. The caller needs the work's own error.
        tracing::debug!(%error, "transaction not rolled back");
    }
}
