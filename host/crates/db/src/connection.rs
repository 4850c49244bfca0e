//! A connection of either database.

use crate::dialect::Dialect;
use crate::driver_error::{DriverError, QueryError};
use crate::postgres_connection::PostgresConnection;
use crate::query::{Query, Row};
use crate::sqlite::SqliteConnection;
use crate::work_limits::WorkLimits;
use std::sync::Arc;

/// A connection.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PostgresConnection),
}

impl Connection<'_> {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Limits the duration of queries. PostgreSQL has its own timeout, and waiting for it can be cancelled.
    pub(crate) fn limit(&mut self, limits: &Arc<WorkLimits>) -> Result<(), DriverError> {
        match self {
            Self::Sqlite(connection) => connection.limit(limits),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Removes the limit.
    pub(crate) fn unlimit(&mut self) -> Result<(), DriverError> {
        match self {
            Self::Sqlite(connection) => connection.unlimit(),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Runs a query and returns the number of changed rows.
    pub(crate) async fn execute(&mut self, query: &Query<'_>) -> Result<u64, QueryError> {
        match self {
            Self::Sqlite(connection) => in_query(query, connection.execute(query)),
            Self::Postgres(connection) => connection.execute(query).await,
        }
    }

    /// Runs a query whose number of changed rows does not matter. PostgreSQL: sends it with the next query, and
    /// fails later if it does not change the assumed number of rows.
    pub(crate) async fn execute_later(
        &mut self,
        query: Query<'_>,
        assumed: Option<u64>,
    ) -> Result<(), QueryError> {
        match self {
            Self::Sqlite(connection) => in_query(&query, connection.execute(&query)).map(drop),
            Self::Postgres(connection) => connection.execute_later(query, assumed).await,
        }
    }

    /// Waits for the answers to all queries that were executed later.
    pub(crate) async fn settle(&mut self) -> Result<(), QueryError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => connection.settle().await,
        }
    }

    /// Returns the first row of a query, if it has one.
    pub(crate) async fn fetch_optional(
        &mut self,
        query: &Query<'_>,
    ) -> Result<Option<Row>, QueryError> {
        match self {
            Self::Sqlite(connection) => {
                in_query(query, connection.fetch(query, 1)).map(|rows| rows.into_iter().next())
            }
            Self::Postgres(connection) => {
                let rows = connection.fetch(query).await?;
                Ok(rows.into_iter().next())
            }
        }
    }

    /// Returns all rows of a query.
    pub(crate) async fn fetch_all(&mut self, query: &Query<'_>) -> Result<Vec<Row>, QueryError> {
        match self {
            Self::Sqlite(connection) => in_query(query, connection.fetch(query, usize::MAX)),
            Self::Postgres(connection) => connection.fetch(query).await,
        }
    }

    /// Runs several commands without values.
    pub(crate) async fn run_script(&mut self, sql: &str) -> Result<(), DriverError> {
        match self {
            Self::Sqlite(connection) => connection.run_script(sql),
            Self::Postgres(connection) => connection.run_script(sql).await,
        }
    }
}

fn in_query<T>(query: &Query<'_>, result: Result<T, DriverError>) -> Result<T, QueryError> {
    result.map_err(|source| QueryError {
        query: query.name,
        source,
    })
}
