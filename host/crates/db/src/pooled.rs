//! Transactions on a pool: all reads, and PostgreSQL's writes.
//!
//! On PostgreSQL a write is READ COMMITTED. That is enough because nothing is decided upon a row
//! that another may change meanwhile: the ports say which rows they lock, and every claim, number
//! and position is one statement that a unique index or a locked row decides. Where two
//! transactions lock each other out, or the server goes away before it was asked to commit, the work
//! is done again; what becomes of a commit that was not answered, the caller finds out by asking again.

use crate::open::{Figures, Kind};
use crate::session::Cure;
use crate::transaction::{Failure, Purpose, Transaction};
use backon::{BackoffBuilder, ExponentialBuilder};
use galleria_app::Error;
use galleria_app::records::Work;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often work is done again when transactions were in each other's way. Ten pauses that double
/// from 2 ms to 250 ms come to more than a second: two transactions that still collide then would
/// for ever.
const TIMES: usize = 10;

/// How long a transaction may take to begin or to end where the server says nothing at all: as long as
/// the work in it.
const SILENT: Duration = Duration::from_secs(30);

/// Connections to one database.
#[derive(Clone)]
pub(crate) struct Pooled {
    pub(crate) pool: AnyPool,
    pub(crate) kind: Kind,
}

/// Does the work in a transaction of its own, and again where that is due.
pub(crate) async fn write(pooled: &Pooled, work: &Work, figures: &Figures) -> Result<(), Error> {
    let mut again = Again::of(pooled);
    loop {
        match once(pooled, work, Purpose::Write).await {
            Ok(()) => {
                figures.commits.fetch_add(1, Ordering::Relaxed);
                figures.works.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Err(failure) => again.after(failure).await?,
        }
    }
}

/// Does the work on a snapshot, and forgets what it wrote.
pub(crate) async fn read(pooled: &Pooled, work: &Work) -> Result<(), Error> {
    let mut again = Again::of(pooled);
    loop {
        match once(pooled, work, Purpose::Read).await {
            Ok(()) => return Ok(()),
            Err(failure) => again.after(failure).await?,
        }
    }
}

async fn once(pooled: &Pooled, work: &Work, purpose: Purpose) -> Result<(), Failure> {
    let acquired = pooled.pool.acquire().await;
    let mut connection = acquired.map_err(|e| Failure::of("connect", e))?;
    let done = match purpose {
        Purpose::Write => write_on(&mut connection, pooled.kind, work).await,
        Purpose::Read => read_on(&mut connection, pooled.kind, work).await,
    };
    if let Err(Failure {
        cure: Cure::Elsewhere,
        ..
    }) = &done
    {
        dismissed(connection).await;
    }
    done
}

async fn write_on(connection: &mut AnyConnection, kind: Kind, work: &Work) -> Result<(), Failure> {
    let begun = within("begin", connection.begin()).await?;
    let mut open = begun.map_err(|e| Failure::of("begin", e))?;
    match Transaction::run(&mut open, kind, Purpose::Write, work).await {
        Ok(()) => {
            let committed = within("commit", open.commit()).await?;
            committed.map_err(Failure::of_commit)
        }
        Err(failure) => {
            rolled_back(open).await;
            Err(failure)
        }
    }
}

async fn read_on(connection: &mut AnyConnection, kind: Kind, work: &Work) -> Result<(), Failure> {
    let begin = match kind {
        // Deferred: the snapshot is taken by the first statement.
        Kind::Sqlite => "BEGIN",
        Kind::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ",
    };
    let begun = within("begin", connection.begin_with(begin)).await?;
    let mut open = begun.map_err(|e| Failure::of("begin", e))?;
    let done = Transaction::run(&mut open, kind, Purpose::Read, work).await;
    rolled_back(open).await;
    done
}

/// A server whose machine is gone answers nothing, and nothing says that it never will.
async fn within<T>(doing: &str, what: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(SILENT, what).await.map_err(|_| {
        let silent = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Error::records(
            format!("the database said nothing to {doing} for {SILENT:?}"),
            silent,
        )
        .into()
    })
}

/// What is left of doing work again.
struct Again<P> {
    pauses: P,
    /// Connections that may be of no use: no more than there are.
    outdated: u32,
}

impl Again<()> {
    fn of(pooled: &Pooled) -> Again<impl Iterator<Item = Duration> + Send> {
        Again {
            pauses: ExponentialBuilder::default()
                .with_jitter()
                .with_min_delay(Duration::from_millis(2))
                .with_max_delay(Duration::from_millis(250))
                .with_max_times(TIMES)
                .build(),
            outdated: pooled.pool.options().get_max_connections(),
        }
    }
}

impl<P: Iterator<Item = Duration>> Again<P> {
    /// Waits where doing the work again may help; otherwise the error.
    async fn after(&mut self, failure: Failure) -> Result<(), Error> {
        match failure.cure {
            Cure::None => return Err(failure.error),
            Cure::Again => {
                let Some(pause) = self.pauses.next() else {
                    return Err(failure.error);
                };
                tokio::time::sleep(pause).await;
            }
            Cure::Elsewhere => {
                let left = self.outdated.checked_sub(1);
                self.outdated = left.ok_or(failure.error)?;
            }
        }
        Ok(())
    }
}

/// Closes a connection; the pool makes another.
async fn dismissed(connection: PoolConnection<Any>) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "a connection could not be closed");
    }
}

async fn rolled_back(open: sqlx::Transaction<'_, Any>) {
    // Where the server is silent, the pool's next test of the connection finds out.
    if let Ok(Err(error)) = tokio::time::timeout(SILENT, open.rollback()).await {
        // The connection is broken, and the pool drops it; the work's own error is what counts.
        tracing::debug!(%error, "a transaction could not be rolled back");
    }
}
