//! An open database.

use crate::address::Address;
use crate::config::DbConfig;
use crate::counters::CommitCounters;
use crate::dialect::Dialect;
use crate::error::DbError;
use crate::migrations;
use crate::pool::Pool;
use crate::writer::Writer;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{Records, Work};
use sqlx::Connection as _;
use std::sync::Arc;

/// An open database. Clones share its connections.
#[derive(Clone)]
pub struct Db {
    writes: Writes,
    reads: Pool,
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
    /// Opens a database whose schema version this binary supports.
    pub async fn open(config: &DbConfig) -> Result<Self, DbError> {
        let address = Address::parse(config)?;
        let dialect = address.dialect();
        migrations::check(&mut address.connect().await?, dialect).await?;
        let counters = Arc::new(CommitCounters::default());
        let reads = address.pool(config, config.read_connections).await?;
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
}
