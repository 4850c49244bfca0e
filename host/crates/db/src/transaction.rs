//! An open transaction, and running work in it.
//!
//! Owns: work with a failed query is never committed, and work that panics or does not end becomes
//! an error. Never knows whether the writer or a pool opened the transaction.

use crate::connection::Connection;
use crate::dialect::Dialect;
use crate::driver_error::{DriverError, QueryError};
use crate::postgres_connection::COMMIT;
use crate::query::{Query, Row, query};
use crate::retry::{self, Retry};
use crate::work_limits::WorkLimits;
use futures_util::FutureExt as _;
use galleria_ports::Error;
use galleria_ports::records::Work;
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// The purpose of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One query, alone. Takes no locks.
    ReadOne,
    /// Rolled back at the end. Takes no locks.
    Read,
    /// One query, committed with it.
    WriteOne,
    /// Committed at the end.
    Write,
    /// Like [`Write`](Self::Write), after an assumption about a query was wrong: the work waits for the result of each.
    CheckedWrite,
}

impl Mode {
    pub(crate) fn commits(self) -> bool {
        matches!(self, Self::WriteOne | Self::Write | Self::CheckedWrite)
    }
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
    connection: Connection<'c>,
    mode: Mode,
    /// The first failure of a query. After one, PostgreSQL answers COMMIT with a silent ROLLBACK,
    /// even if the work ignored the error.
    failure: Option<Failure>,
    limits: Arc<WorkLimits>,
    /// The number of queries.
    queries: u32,
}

/// An error of some work, and whether a retry may help.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) retry: Retry,
    /// The connection may still run a query of the work, which does not end in time.
    pub(crate) is_stuck: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry: Retry::Never,
            is_stuck: false,
        }
    }
}

impl Failure {
    /// `operation` is the name of a query or a command, such as `order_insert` or `begin`.
    pub(crate) fn query(operation: &str, source: DriverError) -> Self {
        let retry = Retry::after_query(&source);
        Self {
            error: Error::records(format!("database operation failed: {operation}"), source),
            retry,
            is_stuck: false,
        }
    }

    /// The work exceeded a limit of its duration.
    fn too_long(limit: Duration) -> Self {
        Self::stuck(Error::Internal(format!(
            "work in a transaction did not end within {} s",
            limit.as_secs()
        )))
    }

    /// The work, or the answer to a command, did not end in time.
    pub(crate) fn stuck(error: Error) -> Self {
        Self {
            error,
            retry: Retry::Never,
            is_stuck: true,
        }
    }

    /// COMMIT failed, or a query that was sent with it.
    pub(crate) fn at_commit(error: QueryError) -> Self {
        let QueryError { query, source } = error;
        let (retry, context) = match &source {
            // The database rejected the query, and nothing is committed.
            reported if query != COMMIT && !reported.is_socket_error() => {
                return Self::query(query, source);
            }
            source if retry::is_connection_lost(source) => (
                Retry::Never,
                "database connection lost during commit: the outcome is unknown",
            ),
            source => (
                Retry::after_commit(source),
                "database operation failed: commit",
            ),
        };
        Self {
            error: Error::records(context, source),
            retry,
            is_stuck: false,
        }
    }
}

impl<'c> Transaction<'c> {
    /// Runs `work` in the transaction that is open on `connection`. Neither commits nor rolls back.
    pub(crate) async fn run(
        mut connection: Connection<'c>,
        mode: Mode,
        work: &Work,
    ) -> Result<(), Failure> {
        let limits = Arc::new(WorkLimits::new());
        connection
            .limit(&limits)
            .map_err(|source| Failure::query("limit", source))?;
        let mut transaction = Self {
            connection,
            mode,
            failure: None,
            limits: Arc::clone(&limits),
            queries: 0,
        };
        let running = async {
            let done = AssertUnwindSafe(async { work(&mut transaction).await });
            let done = done.catch_unwind().await.unwrap_or_else(|panic| {
                Err(Error::Internal(format!(
                    "work in a transaction panicked: {}",
                    panic_message(&*panic)
                )))
            });
            // Otherwise the answers arrive with the one to COMMIT.
            if !mode.commits() || done.is_err() {
                transaction.settle().await?;
            }
            done
        };
        let result = limits.run(running).await;
        let result = result.map_err(Failure::too_long);
        let Self {
            mut connection,
            failure,
            ..
        } = transaction;
        connection
            .unlimit()
            .map_err(|source| Failure::query("limit", source))?;
        let result = result?;
        match (result, failure) {
            (Ok(()), None) => Ok(()),
            (Err(error), None) => Err(error.into()),
            (Ok(()), Some(failure)) => Err(failure),
            (Err(error), Some(failure)) => Err(Failure { error, ..failure }),
        }
    }

    /// Appends the clause that locks the rows of a query.
    pub(crate) fn locking(&self, sql: &'static str, lock: Lock) -> Cow<'static, str> {
        let clause = match lock {
            _ if !self.locks() => return sql.into(),
            Lock::Wait => " FOR UPDATE",
            Lock::Skip => " FOR UPDATE SKIP LOCKED",
        };
        format!("{sql}{clause}").into()
    }

    /// Whether queries take row locks. SQLite has one writer, and no syntax for row locks; a read
    /// needs no locks.
    pub(crate) fn locks(&self) -> bool {
        self.is_postgres() && self.mode.commits()
    }

    /// Whether the work continues before the result of an insert or update arrives, as if the rows of the insert were new
    /// and the row of the update existed. If that is wrong, the work is rolled back and runs again with
    /// [`CheckedWrite`](Mode::CheckedWrite).
    pub(crate) fn assumes(&self) -> bool {
        self.is_postgres() && self.mode == Mode::Write
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.connection.dialect() == Dialect::Postgres
    }

    /// The suffix that makes a text column compare by bytes.
    pub(crate) fn bytewise(&self) -> &'static str {
        self.connection.dialect().bytewise()
    }

    /// The time by the database's clock, in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> &'static str {
        self.connection.dialect().now_ms()
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
            is_stuck: false,
        });
        error
    }

    /// Runs a query and returns the number of changed rows.
    pub(crate) async fn execute(&mut self, mut query: Query<'_>) -> Result<u64, Error> {
        self.check(&mut query)?;
        let result = self.connection.execute(&query).await;
        self.finished(result)
    }

    /// Runs an insert of `rows` with a clause ON CONFLICT, and returns the number of new rows.
    pub(crate) async fn insert(&mut self, insert: Query<'_>, rows: usize) -> Result<u64, Error> {
        if !self.assumes() {
            return self.execute(insert).await;
        }
        self.execute_later(insert.without_conflict_clause()).await?;
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }

    /// Runs an update of one row, and returns the number of changed rows.
    pub(crate) async fn update(&mut self, update: Query<'_>) -> Result<u64, Error> {
        if !self.assumes() {
            return self.execute(update).await;
        }
        self.execute_assuming(update, Some(1)).await.map(|()| 1)
    }

    /// Runs a query whose number of changed rows does not matter. On PostgreSQL it is sent with the next query, or with
    /// COMMIT, whose result is its failure.
    pub(crate) async fn execute_later(&mut self, query: Query<'_>) -> Result<(), Error> {
        self.execute_assuming(query, None).await
    }

    async fn execute_assuming(
        &mut self,
        mut query: Query<'_>,
        changed: Option<u64>,
    ) -> Result<(), Error> {
        self.check(&mut query)?;
        let result = self.connection.execute_later(query, changed).await;
        self.finished(result)
    }

    /// Waits for the answers to queries that were executed later.
    async fn settle(&mut self) -> Result<(), Error> {
        let result = self.connection.settle().await;
        result.map_err(|error| self.fail(error))
    }

    /// Returns the row of a query, if it has one.
    pub(crate) async fn fetch_optional(
        &mut self,
        mut query: Query<'_>,
    ) -> Result<Option<Row>, Error> {
        self.check(&mut query)?;
        let result = self.connection.fetch_optional(&query).await;
        self.finished(result)
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
    pub(crate) async fn fetch_all(&mut self, mut query: Query<'_>) -> Result<Vec<Row>, Error> {
        self.check(&mut query)?;
        let result = self.connection.fetch_all(&query).await;
        self.finished(result)
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

    fn check(&mut self, query: &mut Query<'_>) -> Result<(), Error> {
        query.bind_error.take().map_or(Ok(()), Err)?;
        self.queries += 1;
        match self.mode {
            Mode::ReadOne | Mode::WriteOne if self.queries > 1 => Err(Error::Internal(format!(
                "{}: the work may run one query, and runs another",
                query.name
            ))),
            _ => Ok(()),
        }
    }

    fn finished<T>(&mut self, result: Result<T, QueryError>) -> Result<T, Error> {
        match result {
            Ok(result) => {
                self.limits.query_finished();
                Ok(result)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn fail(&mut self, error: QueryError) -> Error {
        let failure = match self.limits.exceeded() {
            Some(limit) if error.source.is_interruption() => Failure::too_long(limit),
            _ if self.mode == Mode::WriteOne => Failure::at_commit(error),
            _ => Failure::query(error.query, error.source),
        };
        self.failure.get_or_insert_with(|| failure.clone());
        failure.error
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
