//! A connection to PostgreSQL: prepared queries, and queries that are sent before earlier answers arrive.
//!
//! The server answers in order. So BEGIN travels with the first query, and a query whose answer
//! contains nothing useful is sent without waiting; its answer is checked with the next one, and at the latest before
//! COMMIT.

use crate::driver_error::{DriverError, QueryError};
use crate::query::{Cells, Query, Row};
use crate::value::Value;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _};
use quick_cache::unsync::Cache;
use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use tokio_postgres::{Client, Statement};

type Answer<T> = Result<T, tokio_postgres::Error>;

/// An open connection.
pub(crate) struct PostgresConnection {
    client: Arc<Client>,
    /// Prepared queries by their texts.
    statements: Cache<Cow<'static, str>, Statement>,
    /// The command that begins the transaction. It is not sent yet.
    begin: Option<&'static str>,
    /// Commands and queries whose answers are not checked yet, in the order of sending.
    unchecked: Vec<Unchecked>,
}

struct Unchecked {
    query: &'static str,
    answer: BoxFuture<'static, Answer<()>>,
}

impl PostgresConnection {
    /// Wraps a connection. It keeps at most `statements` prepared queries.
    pub(crate) fn new(client: Client, statements: usize) -> Self {
        Self {
            client: Arc::new(client),
            statements: Cache::new(statements),
            begin: None,
            unchecked: Vec::new(),
        }
    }

    /// Whether the connection is lost.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Begins a transaction with a command. It is sent with the first query.
    pub(crate) fn begin(&mut self, command: &'static str) {
        self.begin = Some(command);
    }

    /// Commits. Without any query there is nothing to commit.
    pub(crate) async fn commit(&mut self) -> Result<(), DriverError> {
        if self.begin.take().is_some() {
            return Ok(());
        }
        Ok(self.client.batch_execute("COMMIT").await?)
    }

    /// Rolls back, without waiting for the answer: the next command on this connection comes after it.
    pub(crate) fn roll_back(&mut self) {
        self.unchecked.clear();
        if self.begin.take().is_none() {
            // The first poll sends it.
            let _ = self.client.batch_execute("ROLLBACK").now_or_never();
        }
    }

    /// Runs several commands without values.
    pub(crate) async fn run_script(&mut self, sql: &str) -> Result<(), DriverError> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Runs a query and returns the number of changed rows.
    pub(crate) async fn execute(&mut self, query: &Query<'_>) -> Result<u64, QueryError> {
        let statement = self.start(query, true).await?;
        let client = Arc::clone(&self.client);
        let answer = client.execute_raw(&statement, &query.values);
        self.checked(query.name, answer).await
    }

    /// Returns all rows of a query.
    pub(crate) async fn fetch(&mut self, query: &Query<'_>) -> Result<Vec<Row>, QueryError> {
        let statement = self.start(query, true).await?;
        let client = Arc::clone(&self.client);
        let rows = async {
            let rows = client.query_raw(&statement, &query.values).await?;
            let rows = rows.map_ok(|row| Row {
                query: query.name,
                cells: Cells::Postgres(row),
            });
            rows.try_collect().await
        };
        self.checked(query.name, rows).await
    }

    /// Sends a query and returns before its answer. The next query, or [`settle`](Self::settle), reports
    /// its failure.
    pub(crate) async fn execute_later(&mut self, query: Query<'_>) -> Result<(), QueryError> {
        let statement = self.start(&query, false).await?;
        let client = Arc::clone(&self.client);
        let values: Vec<Value<'static>> = query.values.into_iter().map(Value::into_owned).collect();
        self.send(query.name, async move {
            client.execute_raw(&statement, &values).await.map(drop)
        })
    }

    /// Checks the answers to everything that was sent.
    pub(crate) async fn settle(&mut self) -> Result<(), QueryError> {
        for Unchecked { query, answer } in self.unchecked.drain(..) {
            answer.await.map_err(|error| failed(query, error))?;
        }
        Ok(())
    }

    /// Prepares a query and begins the transaction if it is the first one.
    async fn start(
        &mut self,
        query: &Query<'_>,
        is_awaited: bool,
    ) -> Result<Statement, QueryError> {
        let statement = match self.statements.get(&query.sql) {
            Some(statement) if is_prepared_for(statement, &query.values) => statement.clone(),
            _ => {
                let types: Vec<_> = query.values.iter().map(Value::postgres_type).collect();
                let client = Arc::clone(&self.client);
                let prepared = client.prepare_typed(&query.sql, &types);
                let prepared = self.checked(query.name, prepared).await?;
                self.statements.insert(query.sql.clone(), prepared.clone());
                prepared
            }
        };
        // If BEGIN fails, a query that travels with it runs outside of a transaction. A SELECT changes
        // nothing there, and its answer comes before any other query is sent.
        if self.send_begin()? && !(is_awaited && query.sql.starts_with("SELECT")) {
            self.settle().await?;
        }
        Ok(statement)
    }

    /// Returns whether BEGIN was sent now.
    fn send_begin(&mut self) -> Result<bool, QueryError> {
        let Some(command) = self.begin.take() else {
            return Ok(false);
        };
        let client = Arc::clone(&self.client);
        let begun = async move { client.batch_execute(command).await };
        self.send("begin", begun).map(|()| true)
    }

    /// Sends a command, and keeps its answer for later.
    fn send(
        &mut self,
        query: &'static str,
        answer: impl Future<Output = Answer<()>> + Send + 'static,
    ) -> Result<(), QueryError> {
        let mut answer = answer.boxed();
        // The first poll sends it.
        match (&mut answer).now_or_never() {
            Some(answer) => answer.map_err(|error| failed(query, error)),
            None => {
                self.unchecked.push(Unchecked { query, answer });
                Ok(())
            }
        }
    }

    /// Waits for an answer. All earlier answers arrive before it; the first failure counts.
    async fn checked<T>(
        &mut self,
        query: &'static str,
        answer: impl Future<Output = Answer<T>>,
    ) -> Result<T, QueryError> {
        let answer = answer.await;
        self.settle().await?;
        answer.map_err(|error| failed(query, error))
    }
}

fn is_prepared_for(statement: &Statement, values: &[Value<'_>]) -> bool {
    let types = values.iter().map(Value::postgres_type);
    types.eq(statement.params().iter().cloned())
}

fn failed(query: &'static str, error: tokio_postgres::Error) -> QueryError {
    QueryError {
        query,
        source: error.into(),
    }
}
