//! A connection to PostgreSQL: prepared queries, and queries that are sent together.
//!
//! The server answers in order. So BEGIN travels with the first query, and a query whose answer contains nothing useful
//! with the next one, or with COMMIT. After a failed query the server rejects all later ones of the transaction and
//! answers COMMIT with a rollback.
//!
//! No task runs for a connection: it sends and receives while a query waits. So all that is ready leaves in one packet,
//! and no answer wakes another thread.

use crate::driver_error::{DriverError, QueryError};
use crate::query::{Cells, Query, Row};
use crate::value::Value;
use futures_util::future::{self, BoxFuture, maybe_done};
use futures_util::{FutureExt as _, TryStreamExt as _};
use quick_cache::unsync::Cache;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::runtime::Handle;
use tokio_postgres::{Client, Statement};

type Answer<T> = Result<T, tokio_postgres::Error>;

/// Most answers that may be missing. It limits the memory for queries that are not sent yet.
const MAX_UNCHECKED: usize = 16;

pub(crate) const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// An open connection.
pub(crate) struct PostgresConnection {
    client: Arc<Client>,
    /// Sends and receives when it is polled. `None` after the connection was lost.
    transport: Option<BoxFuture<'static, Answer<()>>>,
    /// Prepared queries by their texts.
    statements: Cache<Cow<'static, str>, Statement>,
    /// The command that begins the transaction. It is not sent yet.
    begin: Option<&'static str>,
    /// Whether BEGIN is sent.
    is_open: bool,
    /// Whether COMMIT follows the first query at once.
    commits_at_once: bool,
    /// Commands and queries whose answers are not checked yet, in the order of sending.
    unchecked: VecDeque<Unchecked>,
    /// A query was sent and its answer is missing, because its caller stopped waiting.
    is_interrupted: bool,
}

struct Unchecked {
    query: &'static str,
    /// The number of rows that it must change.
    assumed: Option<u64>,
    answer: BoxFuture<'static, Answer<u64>>,
}

impl Unchecked {
    fn poll_check(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), QueryError>> {
        let changed = ready!(self.answer.poll_unpin(cx));
        Poll::Ready(match (changed, self.assumed) {
            (Err(error), _) => Err(failed(self.query, error)),
            (Ok(changed), Some(assumed)) if changed != assumed => Err(QueryError {
                query: self.query,
                source: DriverError::Assumption,
            }),
            (Ok(_), _) => Ok(()),
        })
    }
}

impl PostgresConnection {
    /// Wraps a connection. It keeps at most `statements` prepared queries.
    pub(crate) fn new(
        client: Client,
        transport: impl Future<Output = Answer<()>> + Send + 'static,
        statements: usize,
    ) -> Self {
        Self {
            client: Arc::new(client),
            transport: Some(transport.boxed()),
            statements: Cache::new(statements),
            begin: None,
            is_open: false,
            commits_at_once: false,
            unchecked: VecDeque::new(),
            is_interrupted: false,
        }
    }

    /// Whether the connection is lost. Reads what the server has sent meanwhile.
    pub(crate) fn is_lost(&mut self) -> bool {
        self.exchange(&mut Context::from_waker(Waker::noop()));
        self.transport.is_none()
    }

    /// Closes the connection, and returns when the socket is closed.
    pub(crate) async fn close(mut self) {
        let transport = self.transport.take();
        drop(self);
        if let Some(transport) = transport {
            // A failure to close does not matter: the connection is not used.
            let _ = transport.await;
        }
    }

    /// Begins a transaction with a command. It is sent with the first query, and so is COMMIT if that query is the only one.
    pub(crate) fn begin(&mut self, command: &'static str, commits_at_once: bool) {
        self.begin = Some(command);
        self.commits_at_once = commits_at_once;
    }

    /// Commits, together with the queries that are not sent yet. Without any query there is nothing to commit. If one of
    /// the queries fails, the error names it and the transaction is rolled back.
    pub(crate) async fn commit(&mut self) -> Result<(), QueryError> {
        if self.begin.take().is_some() || !self.is_open {
            return Ok(());
        }
        if self.unchecked.iter().any(|query| query.assumed.is_some()) {
            self.settle().await?;
        }
        let client = Arc::clone(&self.client);
        self.wait(COMMIT, client.batch_execute(COMMIT)).await?;
        self.is_open = false;
        Ok(())
    }

    /// Rolls back. Returns before the answer, unless other answers are missing as well.
    pub(crate) async fn roll_back(&mut self) -> Result<(), QueryError> {
        let is_idle = self.unchecked.is_empty() && !self.is_interrupted;
        if self.begin.take().is_some() || (is_idle && !self.is_open) {
            return Ok(());
        }
        self.is_open = false;
        self.unchecked.clear();
        let client = Arc::clone(&self.client);
        let answer = client.batch_execute(ROLLBACK);
        if !is_idle {
            // The server may still run a query, and parts of it may not be sent yet.
            return self.wait(ROLLBACK, answer).await;
        }
        // The first poll queues the command. There is room in the buffers for it.
        let _ = answer.now_or_never();
        self.exchange(&mut Context::from_waker(Waker::noop()));
        Ok(())
    }

    /// Runs several commands without values.
    pub(crate) async fn run_script(&mut self, sql: &str) -> Result<(), DriverError> {
        let client = Arc::clone(&self.client);
        let done = self.wait("script", client.batch_execute(sql)).await;
        done.map_err(|error| error.source)
    }

    /// Runs a query and returns the number of changed rows.
    pub(crate) async fn execute(&mut self, query: &Query<'_>) -> Result<u64, QueryError> {
        let statement = self.start(query).await?;
        let client = Arc::clone(&self.client);
        let answer = client.execute_raw(&statement, &query.values);
        self.wait_for_query(query.name, answer).await
    }

    /// Returns all rows of a query.
    pub(crate) async fn fetch(&mut self, query: &Query<'_>) -> Result<Vec<Row>, QueryError> {
        let statement = self.start(query).await?;
        let client = Arc::clone(&self.client);
        let rows = async {
            let rows = client.query_raw(&statement, &query.values).await?;
            let rows = rows.map_ok(|row| Row {
                query: query.name,
                cells: Cells::Postgres(row),
            });
            rows.try_collect().await
        };
        self.wait_for_query(query.name, rows).await
    }

    /// Sends a query with the next one. The next query, [`settle`](Self::settle) or [`commit`](Self::commit) reports its
    /// failure.
    pub(crate) async fn execute_later(
        &mut self,
        query: Query<'_>,
        assumed: Option<u64>,
    ) -> Result<(), QueryError> {
        if self.unchecked.len() >= MAX_UNCHECKED {
            self.settle().await?;
        }
        let statement = self.start(&query).await?;
        let client = Arc::clone(&self.client);
        let values: Vec<Value<'static>> = query.values.into_iter().map(Value::into_owned).collect();
        self.queue(query.name, assumed, async move {
            client.execute_raw(&statement, &values).await
        })
    }

    /// Checks the answers to everything that was sent.
    pub(crate) async fn settle(&mut self) -> Result<(), QueryError> {
        match self.unchecked.is_empty() {
            true => Ok(()),
            false => self.wait("settle", future::ready(Ok(()))).await,
        }
    }

    /// Prepares a query and begins the transaction if it is the first one.
    async fn start(&mut self, query: &Query<'_>) -> Result<Statement, QueryError> {
        let statement = match self.statements.get(&query.sql) {
            Some(statement) if is_prepared_for(statement, &query.values) => statement.clone(),
            _ => {
                let types: Vec<_> = query.values.iter().map(Value::postgres_type).collect();
                let client = Arc::clone(&self.client);
                let prepared = client.prepare_typed(&query.sql, &types);
                let prepared = self.wait(query.name, prepared).await?;
                self.statements.insert(query.sql.clone(), prepared.clone());
                prepared
            }
        };
        if let Some(command) = self.begin.take() {
            let client = Arc::clone(&self.client);
            let begun = async move { client.batch_execute(command).await.map(|()| 0) };
            self.queue("begin", None, begun)?;
            self.is_open = true;
        }
        Ok(statement)
    }

    /// Queues a command, to be sent with the next query.
    fn queue(
        &mut self,
        query: &'static str,
        assumed: Option<u64>,
        answer: impl Future<Output = Answer<u64>> + Send + 'static,
    ) -> Result<(), QueryError> {
        let mut answer = answer.boxed();
        // The first poll queues it. It ends only if the connection is lost.
        if let Some(Err(error)) = (&mut answer).now_or_never() {
            return Err(failed(query, error));
        }
        self.unchecked.push_back(Unchecked {
            query,
            assumed,
            answer,
        });
        Ok(())
    }

    /// Waits for the answer to a query, and if it is the only one, for the answer to COMMIT.
    async fn wait_for_query<T>(
        &mut self,
        query: &'static str,
        answer: impl Future<Output = Answer<T>>,
    ) -> Result<T, QueryError> {
        if !self.commits_at_once || !self.is_open {
            return self.wait(query, answer).await;
        }
        self.is_open = false;
        let client = Arc::clone(&self.client);
        let committed = async {
            // The first poll of each queues it, in this order.
            let (answer, committed) = future::join(answer, client.batch_execute(COMMIT)).await;
            Ok((answer?, committed))
        };
        let (answer, committed) = self.wait(query, committed).await?;
        committed.map_err(|error| failed(COMMIT, error))?;
        Ok(answer)
    }

    /// Sends everything that is queued and then `answer`, and waits for all answers. The first failure counts.
    async fn wait<T>(
        &mut self,
        query: &'static str,
        answer: impl Future<Output = Answer<T>>,
    ) -> Result<T, QueryError> {
        let mut answer = pin!(maybe_done(answer));
        self.is_interrupted = true;
        let checked = future::poll_fn(|cx| {
            // The first poll queues it.
            let _ = answer.as_mut().poll(cx);
            self.exchange(cx);
            while let Some(earlier) = self.unchecked.front_mut() {
                let checked = ready!(earlier.poll_check(cx));
                self.unchecked.pop_front();
                if let Err(error) = checked {
                    self.unchecked.clear();
                    return Poll::Ready(Err(error));
                }
            }
            answer.as_mut().poll(cx).map(Ok)
        });
        checked.await?;
        self.is_interrupted = false;
        match answer.take_output() {
            Some(Ok(output)) => Ok(output),
            Some(Err(error)) => Err(failed(query, error)),
            None => Err(QueryError {
                query,
                source: DriverError::Closed,
            }),
        }
    }

    /// Sends what is queued and receives what has arrived.
    fn exchange(&mut self, cx: &mut Context<'_>) {
        if let Some(transport) = &mut self.transport
            && let Poll::Ready(ended) = transport.as_mut().poll(cx)
        {
            // The query that waits for an answer reports the error as well.
            if let Err(error) = ended {
                tracing::debug!(error = %DriverError::from(error), "connection to PostgreSQL lost");
            }
            self.transport = None;
        }
    }
}

impl Drop for PostgresConnection {
    /// Takes leave of the server.
    fn drop(&mut self) {
        if let (Some(transport), Ok(runtime)) = (self.transport.take(), Handle::try_current()) {
            runtime.spawn(transport);
        }
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
