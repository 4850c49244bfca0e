//! An open database.

use crate::address::Address;
use crate::commit_watch::CommitWatch;
use crate::config::DbConfig;
use crate::counters::CommitCounters;
use crate::dialect::Dialect;
use crate::error::DbError;
use crate::migrations;
use crate::pool::Pool;
use crate::writer::Writer;
use async_trait::async_trait;
use backon::{ConstantBuilder, Retryable as _};
use galleria_ports::Error;
use galleria_ports::records::{Records, Work};
use sqlx::Connection as _;
use std::sync::Arc;
use std::sync::Once;
use std::time::Duration;

/// Pause between attempts to connect to a server that does not answer yet.
const CONNECT_PAUSE: Duration = Duration::from_millis(500);

/// An open database. Clones share its connections.
#[derive(Clone)]
pub struct Db {
    writes: Writes,
    reads: Pool,
    /// SQLite only: PostgreSQL would need a round trip, as for a read.
    commits: Option<Arc<CommitWatch>>,
    counters: Arc<CommitCounters>,
}

#[derive(Clone)]
enum Writes {
    /// SQLite: one writer with group commit.
    Sqlite(Writer),
    /// PostgreSQL: one connection for each transaction.
    Postgres(Pool),
}

impl Db {
    /// Waits until the server accepts connections, at most `limit`. A server that starts at the same time as
    /// the host is not an error. Returns at once for a file, and for an error that waiting does not solve,
    /// such as a wrong password.
    pub async fn wait(config: &DbConfig, limit: Duration) -> Result<(), DbError> {
        let address = Address::parse(config)?;
        if address.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let warned = Once::new();
        let connected = (|| address.connect())
            .retry(
                ConstantBuilder::default()
                    .with_delay(CONNECT_PAUSE)
                    .without_max_times(),
            )
            .sleep(tokio::time::sleep)
            .when(|error| matches!(error, DbError::Unreachable { .. }))
            .notify(|error, _| {
                warned.call_once(|| tracing::warn!(%error, ?limit, "waiting for the database"));
            });
        let connected = match tokio::time::timeout(limit, connected).await {
            Ok(connected) => connected,
            // The last attempt states the error.
            Err(_) => address.connect().await,
        };
        // A failure to close does not matter: the connection is not used.
        let _ = connected?.close().await;
        Ok(())
    }

    /// Opens a database whose schema version this binary supports.
    pub async fn open(config: &DbConfig) -> Result<Self, DbError> {
        let address = Address::parse(config)?;
        let dialect = address.dialect();
        migrations::check(&mut address.connect().await?, dialect).await?;
        let counters = Arc::new(CommitCounters::default());
        let reads = address.pool(config, config.read_connections).await?;
        let commits = match dialect {
            Dialect::Sqlite => Some(Arc::new(CommitWatch::open(&address).await?)),
            Dialect::Postgres => None,
        };
        let writes = match dialect {
            Dialect::Sqlite => Writes::Sqlite(Writer::start(address, Arc::clone(&counters)).await?),
            Dialect::Postgres => {
                let pool = address.pool(config, config.write_connections).await?;
                Writes::Postgres(Pool::new(pool, dialect))
            }
        };
        Ok(Self {
            writes,
            reads: Pool::new(reads, dialect),
            commits,
            counters,
        })
    }

    /// Migrates the schema to this binary's version and returns one sentence for each step.
    ///
    /// Creates a missing database file. Several processes may call this at the same time.
    pub async fn migrate(config: &DbConfig) -> Result<Vec<String>, DbError> {
        let address = Address::parse(config)?;
        let mut connection = address.connect().await?;
        let steps = migrations::apply(&mut connection, address.dialect()).await?;
        connection
            .close()
            .await
            .map_err(|source| DbError::operation("close connection", source))?;
        Ok(steps)
    }

    /// Finishes the queued work, rejects later work, and closes the connections.
    pub async fn close(&self) -> Result<(), DbError> {
        // Readers first, so that the writer closes the last connection: only then does SQLite remove
        // its log files.
        self.reads.close().await;
        if let Some(commits) = &self.commits {
            commits.close().await;
        }
        match &self.writes {
            Writes::Sqlite(writer) => writer.close().await,
            Writes::Postgres(pool) => {
                pool.close().await;
                Ok(())
            }
        }
    }

    /// Transactions committed since the database was opened.
    pub fn commits(&self) -> u64 {
        self.counters.commits()
    }

    /// Pieces of work in these commits.
    pub fn works(&self) -> u64 {
        self.counters.works()
    }
}

#[async_trait]
impl Records for Db {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        match &self.writes {
            Writes::Sqlite(writer) => writer.write(work).await,
            Writes::Postgres(pool) => pool.write(&work, &self.counters).await,
        }
    }

    async fn read_work(&self, work: Work) -> Result<(), Error> {
        self.reads.read(&work).await
    }

    async fn commit_number(&self) -> Option<i64> {
        self.commits.as_ref()?.number().await
    }
}
