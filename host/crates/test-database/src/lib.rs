//! Queries for tests: reads and changes a database of the host without its ports, and counts round trips.
//!
//! All values are text, as PostgreSQL's simple queries return them. A failure panics.

#![forbid(unsafe_code)]

mod proxy;

pub use proxy::Proxy;

use rusqlite::types::ValueRef;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A row: the text of each column, or `None` for NULL.
pub type Cells = Vec<Option<String>>;

/// A connection to a database of the host.
pub enum TestDatabase {
    /// An open file.
    Sqlite(rusqlite::Connection),
    /// A connection to a server.
    Postgres(Client),
}

impl TestDatabase {
    /// Connects to `sqlite://path` or `postgres://user@host:port/database`.
    pub async fn connect(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite://") {
            let file = rusqlite::Connection::open(path).expect("a database file");
            return Self::Sqlite(file);
        }
        let connected = tokio_postgres::connect(url, NoTls).await;
        let (client, connection) = connected.expect("a server");
        tokio::spawn(connection);
        Self::Postgres(client)
    }

    /// Runs commands.
    pub async fn run(&mut self, sql: &str) {
        match self {
            Self::Sqlite(file) => file.execute_batch(sql).expect("run"),
            Self::Postgres(client) => client.batch_execute(sql).await.expect("run"),
        }
    }

    /// Returns the rows of a query.
    pub async fn rows(&mut self, sql: &str) -> Vec<Cells> {
        match self {
            Self::Sqlite(file) => sqlite_rows(file, sql).expect("rows"),
            Self::Postgres(client) => {
                let messages = client.simple_query(sql).await.expect("rows");
                messages
                    .iter()
                    .filter_map(|message| match message {
                        SimpleQueryMessage::Row(row) => Some(row),
                        _ => None,
                    })
                    .map(|row| {
                        let cells = (0..row.len()).map(|index| row.get(index).map(str::to_owned));
                        cells.collect()
                    })
                    .collect()
            }
        }
    }

    /// Returns the first column of a query without NULL.
    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        let rows = self.rows(sql).await;
        let first = |row: Cells| row.into_iter().next().flatten();
        rows.into_iter()
            .map(|row| first(row).expect("a text"))
            .collect()
    }

    /// Returns the integers of the only row of a query.
    pub async fn integers(&mut self, sql: &str) -> Vec<i64> {
        let rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}");
        rows.into_iter().flatten().map(integer).collect()
    }
}

/// Parses an integer.
pub fn integer(cell: Option<String>) -> i64 {
    let text = cell.expect("not NULL");
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is not an integer"))
}

fn sqlite_rows(file: &rusqlite::Connection, sql: &str) -> rusqlite::Result<Vec<Cells>> {
    let mut statement = file.prepare(sql)?;
    let columns = statement.column_count();
    // Placeholders without a value are NULL, so that EXPLAIN accepts any query.
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = (0..columns).map(|index| {
            Ok(match row.get_ref(index)? {
                ValueRef::Null => None,
                ValueRef::Integer(value) => Some(value.to_string()),
                ValueRef::Real(value) => Some(value.to_string()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    Some(String::from_utf8_lossy(bytes).into_owned())
                }
            })
        });
        all.push(cells.collect::<rusqlite::Result<_>>()?);
    }
    Ok(all)
}
