//! The server of PostgreSQL: connections, their settings, the version, and connection errors.

use crate::config::DbConfig;
use crate::driver_error::{Code, DriverError};
use crate::error::DbError;
use crate::postgres_address::PostgresAddress;
use crate::postgres_connection::PostgresConnection;
use crate::query::query;
use crate::retry;
use backon::{ExponentialBuilder, Retryable as _};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{NoTls, Socket};

/// The oldest supported major version: the first with `pg_current_snapshot`.
const MIN_VERSION: u32 = 13;

/// Times without a zone, such as the defaults of a table, are UTC.
const UTC: &str = "SET timezone = 'UTC'";

/// The commands that begin a transaction of a pooled connection.
pub(crate) const BEGIN_WRITE: &str = "BEGIN READ WRITE";
/// The work may write: the writes are discarded.
pub(crate) const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE";

/// A server, and how to connect to it.
#[derive(Clone)]
pub(crate) struct Server {
    address: PostgresAddress,
    timeout: Duration,
    settings: String,
}

impl Server {
    pub(crate) fn new(config: &DbConfig) -> Result<Self, DbError> {
        Ok(Self {
            address: PostgresAddress::parse(&config.url)?,
            timeout: config.connect_timeout,
            settings: settings(config),
        })
    }

    /// Opens a connection without time limits, for migrations, and rejects a server that is too old.
    pub(crate) async fn connect(&self) -> Result<PostgresConnection, DbError> {
        let connected = self.attempt(UTC).await;
        let mut connection = connected.map_err(|source| self.connect_error(source))?;
        let read = query(
            "server_version",
            "SELECT current_setting('server_version_num') AS number",
        );
        let failed = |source| DbError::operation("read server version", source);
        let rows = connection.fetch(&read).await;
        let rows = rows.map_err(|error| failed(error.source))?;
        let number = match rows.first() {
            Some(row) => row.cells.text("number").map_err(failed)?,
            None => None,
        };
        let number = number.unwrap_or_default();
        let version = number.parse().map_or(0, |number: u32| number / 10_000);
        if version < MIN_VERSION {
            return Err(DbError::ServerVersion {
                version,
                minimum: MIN_VERSION,
            });
        }
        Ok(connection)
    }

    /// Opens a connection for a pool. While the server restarts, tries again until the timeout.
    pub(crate) async fn connect_pooled(&self) -> Result<PostgresConnection, DriverError> {
        let connect = || self.attempt(&self.settings);
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(Duration::from_millis(250))
            .with_total_delay(Some(self.timeout))
            .without_max_times();
        connect
            .retry(pauses)
            .sleep(tokio::time::sleep)
            .when(|error| retry::is_connection_lost(error) || is_full(error))
            .await
    }

    /// Opens a connection and runs a script on it.
    async fn attempt(&self, script: &str) -> Result<PostgresConnection, DriverError> {
        let connecting = async {
            let mut connection = match &self.address.tls {
                None => open(&self.address, NoTls).await?,
                Some(tls) => open(&self.address, tls.clone()).await?,
            };
            connection.run_script(script).await?;
            Ok(connection)
        };
        let connected = timeout(self.timeout, connecting).await;
        connected.unwrap_or(Err(DriverError::NoAnswer(self.timeout)))
    }

    /// Explains why a connection failed.
    pub(crate) fn connect_error(&self, source: DriverError) -> DbError {
        let PostgresAddress {
            host,
            user,
            database,
            ..
        } = self.address.clone();
        match &source {
            // Wrong password, unknown user or forbidden host; unknown or forbidden database.
            DriverError::Postgres { code, .. }
                if matches!(&**code, "28P01" | "28000" | "3D000" | "42501") =>
            {
                DbError::Rejected {
                    host,
                    user,
                    database,
                    source: Box::new(source),
                }
            }
            DriverError::NoAnswer(_) => DbError::Unreachable { host, source },
            _ if source.is_socket_error()
                || is_full(&source)
                || source.code() == Some(Code::Postgres("57P03")) =>
            {
                DbError::Unreachable { host, source }
            }
            _ => DbError::operation("connect", source),
        }
    }
}

/// The server has no free connection.
fn is_full(error: &DriverError) -> bool {
    error.code() == Some(Code::Postgres("53300"))
}

async fn open<T>(
    address: &PostgresAddress,
    tls: T,
) -> Result<PostgresConnection, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, transport) = address.config.connect(tls).await?;
    Ok(PostgresConnection::new(
        client,
        transport,
        address.statements,
    ))
}

/// The SQL text that applies the settings of a pooled connection.
fn settings(config: &DbConfig) -> String {
    let (statement, lock) = (
        config.statement_timeout.as_millis(),
        config.lock_timeout.as_millis(),
    );
    // A host that stops inside a transaction would lock the end of the log for all hosts: hence the
    // timeout of idle transactions. With synchronous_commit off, an acknowledged commit could be
    // lost in a crash. If BEGIN fails, the queries that were sent with it fail as well, because only the
    // transaction may write.
    format!(
        "{UTC};
         SET default_transaction_read_only = on;
         SET statement_timeout = {statement};
         SET lock_timeout = {lock};
         SET idle_in_transaction_session_timeout = {statement};
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'"
    )
}
