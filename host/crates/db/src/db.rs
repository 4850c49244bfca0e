//! An open database.

use crate::address::Address;
use crate::commit_watch::CommitWatch;
use crate::config::DbConfig;
use crate::connection::Connection;
use crate::counters::CommitCounters;
use crate::error::DbError;
use crate::migrations;
use crate::pool::Pool;
use crate::readers::Readers;
use crate::sqlite::SqliteConnection;
use crate::transaction::Mode;
use crate::writer::Writer;
use async_trait::async_trait;
use backon::{ConstantBuilder, Retryable as _};
use galleria_ports::Error;
use galleria_ports::records::{Records, Work};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Once;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// Pause between attempts to connect to a server that does not answer yet.
const CONNECT_PAUSE: Duration = Duration::from_millis(500);

/// An open database. Clones share its connections.
#[derive(Clone)]
pub struct Db {
    connections: Connections,
    counters: Arc<CommitCounters>,
}

#[derive(Clone)]
enum Connections {
    /// One writer with group commit.
    Sqlite {
        writer: Writer,
        readers: Readers,
        watch: Arc<CommitWatch>,
    },
    /// One connection for each transaction.
    Postgres { writes: Pool, reads: Pool },
}

impl Db {
    /// Waits until the server accepts connections, at most `limit`. A server that starts at the same time as
    /// the host is not an error. Returns at once for a file, and for an error that waiting does not solve,
    /// such as a wrong password.
    pub async fn wait(config: &DbConfig, limit: Duration) -> Result<(), DbError> {
        let Address::Postgres(server) = Address::parse(config)? else {
            return Ok(());
        };
        let warned = Once::new();
        let connected = (|| server.connect())
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
            Err(_) => server.connect().await,
        };
        connected.map(drop)
    }

    /// Opens a database whose schema version this binary supports.
    pub async fn open(config: &DbConfig) -> Result<Self, DbError> {
        let counters = Arc::new(CommitCounters::default());
        let timeout = config.connect_timeout;
        let connections = match Address::parse(config)? {
            Address::Sqlite(file) => {
                on_file(file.clone(), async |connection| {
                    migrations::check(&mut Connection::Sqlite(connection)).await
                })
                .await?;
                Connections::Sqlite {
                    readers: Readers::open(file.clone(), config.read_connections, timeout).await?,
                    watch: Arc::new(CommitWatch::open(file.clone()).await?),
                    writer: Writer::start(file, Arc::clone(&counters)).await?,
                }
            }
            Address::Postgres(server) => {
                let mut connection = server.connect().await?;
                migrations::check(&mut Connection::Postgres(&mut connection)).await?;
                Connections::Postgres {
                    reads: Pool::open(&server, config.read_connections, timeout).await?,
                    writes: Pool::open(&server, config.write_connections, timeout).await?,
                }
            }
        };
        Ok(Self {
            connections,
            counters,
        })
    }

    /// Migrates the schema to this binary's version and returns one sentence for each step.
    ///
    /// Creates a missing database file. Several processes may call this at the same time.
    pub async fn migrate(config: &DbConfig) -> Result<Vec<String>, DbError> {
        match Address::parse(config)? {
            Address::Sqlite(file) => {
                on_file(file, async |connection| {
                    migrations::apply(&mut Connection::Sqlite(connection)).await
                })
                .await
            }
            Address::Postgres(server) => {
                let mut connection = server.connect().await?;
                let steps = migrations::apply(&mut Connection::Postgres(&mut connection)).await;
                connection.close().await;
                steps
            }
        }
    }

    /// Finishes the queued work, rejects later work, and closes the connections.
    pub async fn close(&self) -> Result<(), DbError> {
        match &self.connections {
            Connections::Sqlite {
                writer,
                readers,
                watch,
            } => {
                // Readers first, so that the writer closes the last connection: only then does SQLite
                // remove its log files.
                readers.close().await;
                watch.close();
                writer.close().await
            }
            Connections::Postgres { writes, reads } => {
                reads.close().await;
                writes.close().await;
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

    async fn write(&self, work: Work, mode: Mode) -> Result<(), Error> {
        match &self.connections {
            Connections::Sqlite { writer, .. } => writer.write(work, mode).await,
            Connections::Postgres { writes, .. } => {
                writes.run(&work, mode).await?;
                self.counters.add(1);
                Ok(())
            }
        }
    }

    async fn read(&self, work: Work, mode: Mode) -> Result<(), Error> {
        match &self.connections {
            Connections::Sqlite { readers, .. } => readers.read(work, mode).await,
            Connections::Postgres { reads, .. } => reads.run(&work, mode).await,
        }
    }
}

#[async_trait]
impl Records for Db {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        self.write(work, Mode::Write).await
    }

    async fn write_one_work(&self, work: Work) -> Result<(), Error> {
        self.write(work, Mode::WriteOne).await
    }

    async fn read_work(&self, work: Work) -> Result<(), Error> {
        self.read(work, Mode::Read).await
    }

    async fn read_one_work(&self, work: Work) -> Result<(), Error> {
        self.read(work, Mode::ReadOne).await
    }

    async fn commit_number(&self) -> Option<i64> {
        match &self.connections {
            Connections::Sqlite { watch, .. } => watch.number(),
            // It would need a round trip, as for a read.
            Connections::Postgres { .. } => None,
        }
    }
}

/// Opens a file on a thread that may block, and runs `work` there.
async fn on_file<T: Send + 'static>(
    file: PathBuf,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, DbError> + Send + 'static,
) -> Result<T, DbError> {
    let runtime = Handle::current();
    let running = spawn_blocking(move || {
        let mut connection = SqliteConnection::open_writer(&file)?;
        runtime.block_on(work(&mut connection))
    });
    running.await.map_err(|error| DbError::Thread {
        source: error.into(),
    })?
}
