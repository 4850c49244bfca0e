//! Settings of a database connection.

use std::fmt;
use std::time::Duration;

/// Address and limits of a database.
#[derive(Clone)]
pub struct DbConfig {
    /// `sqlite://path/to/file.db` or `postgres://user:password@host/database`.
    ///
    /// A SQLite path is relative to the working directory unless it begins with `/`. The file and its
    /// folder are created if missing.
    pub url: String,
    /// Connections for reads, at least one.
    pub read_connections: u32,
    /// Connections for writes, at least one. PostgreSQL only: SQLite has one writer.
    pub write_connections: u32,
    /// Longest wait for a free connection, or for PostgreSQL to accept a new one.
    pub connect_timeout: Duration,
    /// Longest time that PostgreSQL may work on one query.
    pub statement_timeout: Duration,
    /// Longest wait on PostgreSQL for a lock of another transaction.
    pub lock_timeout: Duration,
}

impl DbConfig {
    /// The database at an address, with default limits.
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
    /// Omits the address, which may contain a password.
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
