//! Transactions on a pool: all reads, and PostgreSQL's writes.
//!
//! On PostgreSQL a write is READ COMMITTED. That is enough because nothing is decided upon a row
//! that another may change meanwhile: the ports say which rows they lock, and every claim, number
//! and position is one statement that a unique index or a locked row decides. Where two
//! transactions lock each other out, one is done again.

use crate::open::{Figures, Kind};
use crate::transaction::{Failure, Purpose, Transaction};
use backon::{BackoffBuilder, ExponentialBuilder};
use galleria_app::Error;
use galleria_app::records::Work;
use sqlx::AnyPool;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often work is done again when transactions were in each other's way. Ten pauses that double
/// from 2 ms to 250 ms come to more than a second: two transactions that still collide then would
/// for ever.
const TIMES: usize = 10;

/// Connections to one database.
#[derive(Clone)]
pub(crate) struct Pooled {
    pub(crate) pool: AnyPool,
    pub(crate) kind: Kind,
}

/// Does the work in a transaction of its own, and again where that is due.
pub(crate) async fn write(pooled: &Pooled, work: &Work, figures: &Figures) -> Result<(), Error> {
    let mut pauses = pauses();
    loop {
        match write_once(pooled, work).await {
            Ok(()) => {
                figures.commits.fetch_add(1, Ordering::Relaxed);
                figures.works.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Err(failure) => failure.or_after(pauses.next()).await?,
        }
    }
}

async fn write_once(pooled: &Pooled, work: &Work) -> Result<(), Failure> {
    let mut open = pooled.pool.begin().await.map_err(|e| failed("begin", e))?;
    match Transaction::run(&mut open, pooled.kind, Purpose::Write, work).await {
        Ok(()) => open.commit().await.map_err(|e| failed("commit", e)),
        Err(failure) => {
            rolled_back(open).await;
            Err(failure)
        }
    }
}

/// Does the work on a snapshot, and forgets what it wrote.
pub(crate) async fn read(pooled: &Pooled, work: &Work) -> Result<(), Error> {
    let mut pauses = pauses();
    loop {
        match read_once(pooled, work).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure.or_after(pauses.next()).await?,
        }
    }
}

async fn read_once(pooled: &Pooled, work: &Work) -> Result<(), Failure> {
    let begin = match pooled.kind {
        // Deferred: the snapshot is taken by the first statement.
        Kind::Sqlite => "BEGIN",
        Kind::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ",
    };
    let begun = pooled.pool.begin_with(begin).await;
    let mut open = begun.map_err(|e| failed("begin", e))?;
    let done = Transaction::run(&mut open, pooled.kind, Purpose::Read, work).await;
    rolled_back(open).await;
    done
}

fn pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(2))
        .with_max_delay(Duration::from_millis(250))
        .with_max_times(TIMES)
        .build()
}

impl Failure {
    /// Waits where doing the work again may help; otherwise the error.
    async fn or_after(self, pause: Option<Duration>) -> Result<(), Error> {
        match pause {
            Some(pause) if self.passing => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            _ => Err(self.error),
        }
    }
}

fn failed(doing: &str, source: sqlx::Error) -> Failure {
    Failure::of(doing, source)
}

async fn rolled_back(open: sqlx::Transaction<'_, sqlx::Any>) {
    if let Err(error) = open.rollback().await {
        // The connection is broken, and the pool drops it; the work's own error is what counts.
        tracing::debug!(%error, "a transaction could not be rolled back");
    }
}
