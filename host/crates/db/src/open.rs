//! Opening, migrating and closing a database.
//!
//! Owns: which database an address means, and how its connections are set up.

use crate::migrations;
use crate::pooled::{self, Pooled};
use crate::session::{self, Server};
use crate::writer::Writer;
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{Records, Work};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where the records are, and how long they may take.
#[derive(Clone)]
pub struct DbConfig {
    /// `sqlite://path/to/file.db`, relative to the working directory unless the path begins with
    /// `/`; created with its folder where missing. Or `postgres://user:password@host/database`.
    pub url: String,
    /// Connections for reads, at least one.
    pub read_connections: u32,
    /// Connections for writes, at least one. PostgreSQL alone: SQLite has one writer.
    pub write_connections: u32,
    /// How long a connection is waited for: a free one, or PostgreSQL's answer to a new one.
    pub connect_timeout: Duration,
    /// How long PostgreSQL may work at one statement.
    pub statement_timeout: Duration,
    /// How long a statement waits on PostgreSQL for what another transaction has locked.
    pub lock_timeout: Duration,
}

impl DbConfig {
    /// The database at an address, within the usual bounds.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            read_connections: 4,
            write_connections: 16,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(20),
            lock_timeout: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for DbConfig {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbConfig")
            .field("read_connections", &self.read_connections)
            .field("write_connections", &self.write_connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .finish_non_exhaustive()
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The address names no database of a kind we know.
    #[error("the database's address must be sqlite://path/to/file.db or postgres://...")]
    Address,
    /// The address has a parameter that nobody knows: what it was to do would not be done.
    #[error("the database's address has the parameter {name}, which is none of PostgreSQL's here")]
    Parameter {
        /// Its name; the value may be a secret.
        name: String,
    },
    /// Nobody answers, or only that it cannot yet.
    #[error(
        "PostgreSQL does not answer at {host}: is it started, and is that where database.url means?"
    )]
    Away {
        /// Host and port, or a socket's folder.
        host: String,
        /// What came instead of an answer.
        #[source]
        source: sqlx::Error,
    },
    /// It answers, and does not let us in.
    #[error(
        "PostgreSQL at {host} does not let the user {user} into the database {database}: \
         database.url needs the right user, password and database"
    )]
    Refused {
        /// Host and port, or a socket's folder.
        host: String,
        /// As whom.
        user: String,
        /// Where to.
        database: String,
        /// What it said.
        #[source]
        source: sqlx::Error,
    },
    /// The server is too old.
    #[error("the server is PostgreSQL {found}, and galleria needs {needed} or later")]
    Server {
        /// Its major version.
        found: u32,
        /// The oldest that will do.
        needed: u32,
    },
    /// The folder of the SQLite file could not be made.
    #[error("cannot make the folder of the database file {file}")]
    Folder {
        /// The file.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A statement failed, connecting included.
    #[error("the database failed to {doing}")]
    Statement {
        /// What was attempted.
        doing: String,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The schema is behind.
    #[error(
        "the database is at schema version {found} and this galleria needs {known}: \
         run galleria migrate"
    )]
    Older {
        /// In the database.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// The schema is ahead.
    #[error(
        "the database is at schema version {found} and this galleria knows only {known}: \
         run the newer galleria that made it"
    )]
    Newer {
        /// In the database.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// A migration was applied with another text.
    #[error(
        "migration {version} was applied to the database with another text than this galleria's: \
         it was made by a build that was never released"
    )]
    Changed {
        /// Which.
        version: i64,
    },
    /// A setting did not take.
    #[error("SQLite did not take {setting}: is the file on a network drive?")]
    Setting {
        /// The setting and the value wanted.
        setting: &'static str,
    },
}

impl DbError {
    pub(crate) fn statement(doing: impl Into<String>, source: sqlx::Error) -> Self {
        Self::Statement {
            doing: doing.into(),
            source,
        }
    }
}

/// Which database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// What was done so far.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) commits: AtomicU64,
    pub(crate) works: AtomicU64,
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Db {
    writes: Writes,
    reads: Pooled,
    figures: Arc<Figures>,
}

#[derive(Clone)]
enum Writes {
    /// SQLite: one writer for all.
    One(Writer),
    /// PostgreSQL: a connection each.
    Many(Pooled),
}

impl Db {
    /// Opens a database whose schema is this binary's.
    pub async fn open(config: &DbConfig) -> Result<Self, DbError> {
        let address = Address::of(config)?;
        migrations::check(&mut address.connect().await?, address.kind()).await?;
        let figures = Arc::new(Figures::default());
        let reads = address.pool(config, config.read_connections).await?;
        let writes = match address.kind() {
            Kind::Sqlite => Writes::One(Writer::start(address, Arc::clone(&figures)).await?),
            Kind::Postgres => Writes::Many(address.pool(config, config.write_connections).await?),
        };
        Ok(Self {
            writes,
            reads,
            figures,
        })
    }

    /// Brings a database's schema up to this binary's, making the database file where there is
    /// none; answers one sentence for each step. Several processes may do so at the same time.
    pub async fn migrate(config: &DbConfig) -> Result<Vec<String>, DbError> {
        let address = Address::of(config)?;
        let mut connection = address.connect().await?;
        let done = migrations::apply(&mut connection, address.kind()).await?;
        connection
            .close()
            .await
            .map_err(|source| DbError::statement("close", source))?;
        Ok(done)
    }

    /// Does what is queued, then closes: work that comes later is refused.
    pub async fn close(&self) -> Result<(), DbError> {
        // The readers first: SQLite's file is only left alone when its last connection goes.
        self.reads.pool.close().await;
        match &self.writes {
            Writes::One(writer) => writer.close().await,
            Writes::Many(pooled) => {
                pooled.pool.close().await;
                Ok(())
            }
        }
    }

    /// Transactions committed since the database was opened.
    pub fn commits(&self) -> u64 {
        self.figures.commits.load(Ordering::Relaxed)
    }

    /// Pieces of work that those commits made durable.
    pub fn works(&self) -> u64 {
        self.figures.works.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Records for Db {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        match &self.writes {
            Writes::One(writer) => writer.write(work).await,
            Writes::Many(pooled) => pooled::write(pooled, &work, &self.figures).await,
        }
    }

    async fn read_work(&self, work: Work) -> Result<(), Error> {
        pooled::read(&self.reads, &work).await
    }
}

/// An address understood.
#[derive(Clone)]
pub(crate) struct Address {
    /// PostgreSQL's server; none is SQLite.
    server: Option<Server>,
    options: AnyConnectOptions,
    timeout: Duration,
}

impl Address {
    fn of(config: &DbConfig) -> Result<Self, DbError> {
        sqlx::any::install_default_drivers();
        let url = &*config.url;
        let (options, server) = if let Some(path) = url.strip_prefix("sqlite://") {
            (Self::of_file(Path::new(path))?, None)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            if let Some(name) = session::unknown_parameter(url) {
                return Err(DbError::Parameter { name });
            }
            let server = Server::of(url).ok_or(DbError::Address)?;
            (url.parse().map_err(|_| DbError::Address)?, Some(server))
        } else {
            return Err(DbError::Address);
        };
        Ok(Self {
            server,
            // What goes wrong is told by whoever asked; sqlx need not say it again.
            options: options.disable_statement_logging(),
            timeout: config.connect_timeout,
        })
    }

    /// Which database speaks there.
    pub(crate) fn kind(&self) -> Kind {
        match self.server {
            None => Kind::Sqlite,
            Some(_) => Kind::Postgres,
        }
    }

    fn of_file(path: &Path) -> Result<AnyConnectOptions, DbError> {
        if path.file_name().is_none() {
            return Err(DbError::Address);
        }
        let folder = |source| DbError::Folder {
            file: path.display().to_string(),
            source,
        };
        let path = std::path::absolute(path).map_err(folder)?;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(folder)?;
        }
        let url = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .to_url_lossy();
        AnyConnectOptions::from_url(&url).map_err(|_| DbError::Address)
    }

    /// One connection, set up; PostgreSQL's without bounds, for migrations.
    pub(crate) async fn connect(&self) -> Result<AnyConnection, DbError> {
        let Some(server) = &self.server else {
            let failed = |source| DbError::statement("connect", source);
            let mut connection = self.options.connect().await.map_err(failed)?;
            set_up(&mut connection, WRITER_KIB).await.map_err(failed)?;
            verify(&mut connection).await?;
            return Ok(connection);
        };
        let connecting = tokio::time::timeout(self.timeout, self.options.connect());
        let connected = connecting.await.map_err(|_| server.silent())?;
        let mut connection = connected.map_err(|source| server.refused(source))?;
        session::check(&mut connection).await?;
        Ok(connection)
    }

    async fn pool(&self, config: &DbConfig, connections: u32) -> Result<Pooled, DbError> {
        let kind = self.kind();
        let settings: Arc<str> = session::settings(config).into();
        let pool: AnyPool = AnyPoolOptions::new()
            .max_connections(connections.max(1))
            // A file does not go away; a server may have been restarted.
            .test_before_acquire(kind == Kind::Postgres)
            .acquire_timeout(config.connect_timeout)
            .after_connect(move |connection, _| {
                let settings = Arc::clone(&settings);
                Box::pin(async move {
                    match kind {
                        Kind::Sqlite => set_up(connection, READER_KIB).await,
                        Kind::Postgres => session::set_up(connection, &settings).await,
                    }
                })
            })
            .connect_with(self.options.clone())
            .await
            .map_err(|source| match &self.server {
                Some(server) => server.refused(source),
                None => DbError::statement("connect", source),
            })?;
        Ok(Pooled { pool, kind })
    }
}

/// Pages that SQLite's writer keeps: the upper ones of the indices.
const WRITER_KIB: u32 = 16_384;
/// And each reader, as SQLite has it by itself. A report reads on and on, through whichever connection
/// is free: kept pages are of no use to it, and its memory would grow with the number of readers.
const READER_KIB: u32 = 2_048;

/// Sets a connection to SQLite up.
async fn set_up(connection: &mut AnyConnection, cache_kib: u32) -> Result<(), sqlx::Error> {
    // WAL lets readers go on while the writer commits. FULL syncs the log at every commit: what was
    // answered survives a loss of power. Ten seconds for another process's transaction, such as
    // `galleria migrate` on a large file. A log that grew while a long report read its snapshot goes
    // back to 64 MiB.
    let settings = format!(
        "PRAGMA busy_timeout = 10000;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -{cache_kib};"
    );
    let settings = sqlx::raw_sql(AssertSqlSafe(settings));
    connection.execute(settings).await.map(drop)
}

/// SQLite passes silently over a setting it cannot take; durability is nothing to assume.
async fn verify(connection: &mut AnyConnection) -> Result<(), DbError> {
    let failed = |source| DbError::statement("read its settings", source);
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let settings = [
        (mode == "wal", "journal_mode = WAL"),
        (synchronous == 2, "synchronous = FULL"),
        (foreign_keys == 1, "foreign_keys = ON"),
    ];
    match settings.into_iter().find(|(took, _)| !took) {
        Some((_, setting)) => Err(DbError::Setting { setting }),
        None => Ok(()),
    }
}
