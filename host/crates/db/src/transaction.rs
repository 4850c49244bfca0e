//! An open transaction, and running work in it.
//!
//! Owns: work with a failed query is never committed, and work that panics or does not end becomes
//! an error. Never knows whether the writer or a pool opened the transaction.

use crate::dialect::Dialect;
use crate::query::{Query, Row, query};
use crate::retry::{self, Retry};
use futures_util::FutureExt as _;
use galleria_ports::Error;
use galleria_ports::records::Work;
use sqlx::{AnyConnection, AssertSqlSafe, SqlSafeStr, SqlStr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longest time in which work finishes no query: it blocks the one writer of SQLite, or holds locks. Queries take
/// milliseconds, so after half a minute it must be waiting for itself.
const WORK_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest duration of work that finishes queries: the import of a large file.
const LONG_WORK_TIMEOUT: Duration = Duration::from_mins(5);

/// The purpose of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Rolled back at the end. Takes no locks.
    Read,
    /// Committed at the end.
    Write,
}

/// How a query locks its rows until the transaction ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock {
    /// Wait for rows that another transaction has locked.
    Wait,
    /// Skip rows that another transaction has locked.
    Skip,
}

/// An open transaction. Each port is implemented on it in its own file.
pub(crate) struct Transaction<'c> {
    connection: &'c mut AnyConnection,
    dialect: Dialect,
    mode: Mode,
    /// The first failure of a query. After one, PostgreSQL answers COMMIT with a silent ROLLBACK,
    /// even if the work ignored the error.
    failure: Option<Failure>,
    /// The number of finished queries.
    queries: Arc<AtomicU64>,
}

/// An error of some work, and whether a retry may help.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) retry: Retry,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry: Retry::Never,
        }
    }
}

impl Failure {
    /// `operation` is the name of a query or a command, such as `order_insert` or `begin`.
    pub(crate) fn query(operation: &str, source: sqlx::Error) -> Self {
        let retry = Retry::after_query(&source);
        Self {
            error: Error::records(format!("database operation failed: {operation}"), source),
            retry,
        }
    }

    pub(crate) fn commit(source: sqlx::Error) -> Self {
        let retry = Retry::after_commit(&source);
        let context = match retry::is_connection_lost(&source) {
            true => "database connection lost during commit: the outcome is unknown",
            false => "database operation failed: commit",
        };
        Self {
            error: Error::records(context, source),
            retry,
        }
    }
}

impl<'c> Transaction<'c> {
    /// Runs `work` in the transaction that is open on `connection`. Neither commits nor rolls back.
    pub(crate) async fn run(
        connection: &'c mut AnyConnection,
        dialect: Dialect,
        mode: Mode,
        work: &Work,
    ) -> Result<(), Failure> {
        let mut transaction = Self {
            connection,
            dialect,
            mode,
            failure: None,
            queries: Arc::default(),
        };
        let queries = Arc::clone(&transaction.queries);
        let running = AssertUnwindSafe(async { work(&mut transaction).await }).catch_unwind();
        let result = match within_limits(running, &queries).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Error::Internal(format!(
                "work in a transaction panicked: {}",
                panic_message(&*panic)
            ))),
            Err(limit) => Err(Error::Internal(format!(
                "work in a transaction did not end within {} s",
                limit.as_secs()
            ))),
        };
        match (result, transaction.failure) {
            (Ok(()), None) => Ok(()),
            (Err(error), None) => Err(error.into()),
            (Ok(()), Some(failure)) => Err(failure),
            (Err(error), Some(failure)) => Err(Failure {
                error,
                retry: failure.retry,
            }),
        }
    }

    /// Appends the clause that locks the rows of a query.
    pub(crate) fn locking(&self, sql: &'static str, lock: Lock) -> SqlStr {
        let clause = match lock {
            _ if !self.locks() => return sql.into_sql_str(),
            Lock::Wait => " FOR UPDATE",
            Lock::Skip => " FOR UPDATE SKIP LOCKED",
        };
        AssertSqlSafe(format!("{sql}{clause}")).into_sql_str()
    }

    /// Whether queries take row locks. SQLite has one writer, and no syntax for row locks; a read
    /// needs no locks.
    pub(crate) fn locks(&self) -> bool {
        self.dialect == Dialect::Postgres && self.mode == Mode::Write
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// The suffix that makes a text column compare by bytes.
    pub(crate) fn bytewise(&self) -> &'static str {
        self.dialect.bytewise()
    }

    /// The time by the database's clock, in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> &'static str {
        self.dialect.now_ms()
    }

    /// Reports that another transaction inserted the same row first. The work runs again, and then
    /// sees that row.
    pub(crate) fn conflict(&mut self, name: &str) -> Error {
        let error = Error::Internal(format!(
            "{name}: another transaction inserted the same row in each attempt"
        ));
        self.failure.get_or_insert_with(|| Failure {
            error: error.clone(),
            retry: Retry::Work,
        });
        error
    }

    /// Runs a query and returns the number of changed rows.
    pub(crate) async fn execute(&mut self, query: Query<'_>) -> Result<u64, Error> {
        let Query {
            name,
            inner,
            bind_error,
        } = query;
        bind_error.map_or(Ok(()), Err)?;
        let result = inner.execute(&mut *self.connection).await;
        self.finished();
        match result {
            Ok(result) => Ok(result.rows_affected()),
            Err(error) => Err(self.fail(name, error)),
        }
    }

    /// Returns the row of a query, if it has one.
    pub(crate) async fn fetch_optional(&mut self, query: Query<'_>) -> Result<Option<Row>, Error> {
        let Query {
            name,
            inner,
            bind_error,
        } = query;
        bind_error.map_or(Ok(()), Err)?;
        let result = inner.fetch_optional(&mut *self.connection).await;
        self.finished();
        match result {
            Ok(row) => Ok(row.map(|inner| Row { query: name, inner })),
            Err(error) => Err(self.fail(name, error)),
        }
    }

    /// Returns the row of a query, converted, if it has one.
    pub(crate) async fn fetch_optional_as<T>(
        &mut self,
        query: Query<'_>,
        convert: fn(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let row = self.fetch_optional(query).await?;
        row.as_ref().map(convert).transpose()
    }

    /// Returns the row of a query that always has one.
    pub(crate) async fn fetch_one(&mut self, query: Query<'_>) -> Result<Row, Error> {
        let name = query.name;
        self.fetch_optional(query)
            .await?
            .ok_or_else(|| Error::Internal(format!("{name}: the query returned no row")))
    }

    /// Returns all rows of a query.
    pub(crate) async fn fetch_all(&mut self, query: Query<'_>) -> Result<Vec<Row>, Error> {
        let Query {
            name,
            inner,
            bind_error,
        } = query;
        bind_error.map_or(Ok(()), Err)?;
        let result = inner.fetch_all(&mut *self.connection).await;
        self.finished();
        match result {
            Ok(rows) => Ok(rows
                .into_iter()
                .map(|inner| Row { query: name, inner })
                .collect()),
            Err(error) => Err(self.fail(name, error)),
        }
    }

    /// Returns all rows of a query, converted.
    pub(crate) async fn fetch_all_as<T>(
        &mut self,
        query: Query<'_>,
        convert: fn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.fetch_all(query).await?.iter().map(convert).collect()
    }

    /// Takes the next number of a sequence. The sequence stays locked until the transaction ends, so
    /// that a rolled-back number is used again and no gap appears.
    pub(crate) async fn next_number(
        &mut self,
        kind: &'static str,
        scope: &str,
        name: &str,
    ) -> Result<u64, Error> {
        let take = query(
            "number_next",
            "INSERT INTO numbers (kind, scope, name, value) VALUES ($1, $2, $3, 1)
             ON CONFLICT (kind, scope, name) DO UPDATE SET value = numbers.value + 1
             RETURNING value",
        )
        .bind(kind)
        .bind(scope)
        .bind(name);
        self.fetch_one(take).await?.int_as("value")
    }

    fn finished(&self) {
        self.queries.fetch_add(1, Ordering::Relaxed);
    }

    fn fail(&mut self, name: &str, error: sqlx::Error) -> Error {
        let failure = Failure::query(name, error);
        self.failure.get_or_insert_with(|| failure.clone());
        failure.error
    }
}

/// Runs work as long as it finishes queries, or returns the limit that it exceeded.
async fn within_limits<T>(
    work: impl Future<Output = T>,
    queries: &AtomicU64,
) -> Result<T, Duration> {
    let mut work = pin!(work);
    let (mut waited, mut before) = (Duration::ZERO, 0);
    loop {
        if let Ok(done) = tokio::time::timeout(WORK_TIMEOUT, &mut work).await {
            return Ok(done);
        }
        waited += WORK_TIMEOUT;
        let finished = queries.load(Ordering::Relaxed);
        if let Some(limit) = exceeded(waited, finished - before) {
            return Err(limit);
        }
        before = finished;
    }
}

/// The limit that work exceeds after `waited`, with this number of queries since the last check.
fn exceeded(waited: Duration, queries: u64) -> Option<Duration> {
    match queries {
        0 => Some(WORK_TIMEOUT),
        _ if waited >= LONG_WORK_TIMEOUT => Some(LONG_WORK_TIMEOUT),
        _ => None,
    }
}

/// Returns `Error::Exists` if an insert changed no row.
pub(crate) fn inserted(rows: u64, what: &'static str, id: &str) -> Result<(), Error> {
    match rows {
        0 => Err(Error::Exists {
            what,
            id: id.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_may_take_long_while_it_finishes_queries() {
        let after = |seconds, queries| exceeded(Duration::from_secs(seconds), queries);
        assert_eq!(after(30, 0), Some(WORK_TIMEOUT));
        assert_eq!(after(30, 1), None);
        assert_eq!(after(270, 1), None);
        assert_eq!(after(270, 0), Some(WORK_TIMEOUT));
        assert_eq!(after(300, 1_000), Some(LONG_WORK_TIMEOUT));
    }

    #[tokio::test]
    async fn work_that_ends_in_time_returns_its_result() {
        let queries = AtomicU64::new(0);
        assert_eq!(within_limits(async { 7 }, &queries).await, Ok(7));
    }
}
