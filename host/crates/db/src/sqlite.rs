//! SQLite connections: their settings, the check that SQLite applied them, and queries.

use crate::driver_error::DriverError;
use crate::error::DbError;
use crate::query::{Cells, Query, Row};
use crate::work_limits::WorkLimits;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{CachedStatement, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Page cache of the writer, KiB: it keeps the upper pages of the indexes.
pub(crate) const WRITER_CACHE_KIB: u32 = 16_384;
/// Page cache of a reader, KiB: SQLite's default. A report reads each page once, through any free
/// connection, so a larger cache would only cost memory for each reader.
pub(crate) const READER_CACHE_KIB: u32 = 2_048;

/// Prepared queries of a connection: nearly all texts of the host.
const STATEMENTS: usize = 256;

/// Operations of SQLite between two checks whether to stop a query: a few milliseconds.
const OPERATIONS: i32 = 100_000;

/// Returns the absolute path of a database file. Creates its folder.
pub(crate) fn file(path: &Path) -> Result<PathBuf, DbError> {
    if path.file_name().is_none() {
        return Err(DbError::Address);
    }
    let folder_error = |source| DbError::Folder {
        file: path.display().to_string(),
        source,
    };
    let path = std::path::absolute(path).map_err(folder_error)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(folder_error)?;
    }
    Ok(path)
}

/// An open file. Queries block the thread.
pub(crate) struct SqliteConnection {
    inner: rusqlite::Connection,
    /// Cancelled when nobody waits for the work any more.
    pub(crate) caller: CancellationToken,
}

impl SqliteConnection {
    /// Opens the file, creates it if it is missing, and applies the settings.
    pub(crate) fn open(file: &Path, cache_kib: u32) -> Result<Self, DriverError> {
        // One thread at a time uses a connection, so it needs no lock.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let inner = rusqlite::Connection::open_with_flags(file, flags)?;
        inner.set_prepared_statement_cache_capacity(STATEMENTS);
        // WAL lets readers continue while the writer commits. FULL syncs the log at each commit, so an
        // acknowledged commit survives a power failure. The busy timeout of ten seconds waits for a
        // transaction of another process, such as `galleria migrate` on a large file. The size limit
        // truncates a log that grew while a long report read its snapshot back to 64 MiB.
        inner.execute_batch(&format!(
            "PRAGMA busy_timeout = 10000;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -{cache_kib};"
        ))?;
        Ok(Self {
            inner,
            caller: CancellationToken::new(),
        })
    }

    /// Opens the file for writing and checks the settings that durability depends on: SQLite ignores a
    /// setting it cannot apply.
    pub(crate) fn open_writer(file: &Path) -> Result<Self, DbError> {
        let failed = |source| DbError::operation("connect", source);
        let connection = Self::open(file, WRITER_CACHE_KIB).map_err(failed)?;
        let failed = |source| DbError::operation("read SQLite settings", DriverError::from(source));
        let inner = &connection.inner;
        let mode: String = inner
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .map_err(failed)?;
        let number = |sql| inner.query_row(sql, [], |row| row.get::<_, i64>(0));
        let synchronous = number("PRAGMA synchronous").map_err(failed)?;
        let foreign_keys = number("PRAGMA foreign_keys").map_err(failed)?;
        let settings = [
            (mode == "wal", "journal_mode = WAL"),
            (synchronous == 2, "synchronous = FULL"),
            (foreign_keys == 1, "foreign_keys = ON"),
        ];
        match settings.into_iter().find(|(applied, _)| !applied) {
            Some((_, setting)) => Err(DbError::Setting { setting }),
            None => Ok(connection),
        }
    }

    /// Interrupts queries that exceed the limits, or whose caller stopped waiting. They fail.
    pub(crate) fn limit(&mut self, limits: &Arc<WorkLimits>) -> Result<(), DriverError> {
        let (caller, limits) = (self.caller.clone(), Arc::clone(limits));
        let interrupts = move || caller.is_cancelled() || limits.exceeded().is_some();
        Ok(self.inner.progress_handler(OPERATIONS, Some(interrupts))?)
    }

    /// Removes the limit: the commands of a transaction must not be interrupted.
    pub(crate) fn unlimit(&mut self) -> Result<(), DriverError> {
        Ok(self.inner.progress_handler(0, None::<fn() -> bool>)?)
    }

    /// A number that changes with each commit of another connection.
    pub(crate) fn data_version(&self) -> Result<i64, DriverError> {
        let mut statement = self.inner.prepare_cached("PRAGMA data_version")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Runs a command of a transaction, such as BEGIN.
    pub(crate) fn command(&mut self, sql: &'static str) -> Result<(), DriverError> {
        Ok(self.inner.prepare_cached(sql)?.raw_execute().map(drop)?)
    }

    /// Runs several commands without values.
    pub(crate) fn run_script(&mut self, sql: &str) -> Result<(), DriverError> {
        Ok(self.inner.execute_batch(sql)?)
    }

    /// Runs a query and returns the number of changed rows.
    pub(crate) fn execute(&mut self, query: &Query<'_>) -> Result<u64, DriverError> {
        let mut statement = self.bound(query)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(self.inner.changes())
    }

    /// Returns at most `limit` rows of a query.
    pub(crate) fn fetch(
        &mut self,
        query: &Query<'_>,
        limit: usize,
    ) -> Result<Vec<Row>, DriverError> {
        let mut statement = self.bound(query)?;
        let columns: Arc<[Box<str>]> = statement.column_names().map(Into::into).collect();
        let mut rows = statement.raw_query();
        let mut fetched = Vec::new();
        while fetched.len() < limit
            && let Some(row) = rows.next()?
        {
            let values = (0..columns.len())
                .map(|index| -> Result<_, DriverError> { owned(row.get_ref(index)?) });
            fetched.push(Row {
                query: query.name,
                cells: Cells::Sqlite {
                    values: values.collect::<Result<_, DriverError>>()?,
                    columns: Arc::clone(&columns),
                },
            });
        }
        Ok(fetched)
    }

    /// Prepares a query and binds its values. SQLite numbers the parameters by their first occurrence, so
    /// the name of each, such as `$2`, decides.
    fn bound(&self, query: &Query<'_>) -> Result<CachedStatement<'_>, DriverError> {
        let mut statement = self.inner.prepare_cached(&query.sql)?;
        for index in 1..=statement.parameter_count() {
            let name = statement.parameter_name(index).unwrap_or_default();
            let number = name.strip_prefix('$').and_then(|name| name.parse().ok());
            let value = number.and_then(|number: usize| query.values.get(number.checked_sub(1)?));
            let value = value.ok_or_else(|| DriverError::Placeholder(name.to_owned()))?;
            statement.raw_bind_parameter(index, value)?;
        }
        Ok(statement)
    }

    /// Moves the log into the database file, so that a copy of the file is complete, and closes.
    pub(crate) fn checkpoint_and_close(mut self) -> Result<(), DriverError> {
        self.run_script("PRAGMA wal_checkpoint(TRUNCATE)")?;
        self.inner.close().map_err(|(_, error)| error.into())
    }
}

fn owned(value: ValueRef<'_>) -> Result<Value, DriverError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) => {
            let text = str::from_utf8(bytes).map_err(|_| DriverError::ColumnType)?;
            Value::Text(text.to_owned())
        }
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn connection() -> (tempfile::TempDir, SqliteConnection) {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = SqliteConnection::open_writer(&folder.path().join("a.db"));
        (folder, connection.expect("open"))
    }

    /// A query that the test of query plans does not see.
    fn query(name: &'static str, sql: &'static str) -> Query<'static> {
        Query {
            name,
            sql: sql.into(),
            values: Vec::new(),
            bind_error: None,
        }
    }

    fn endless() -> Query<'static> {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                   SELECT COUNT(*) AS count FROM n";
        query("endless", sql)
    }

    #[test]
    fn a_query_is_interrupted_after_its_deadline_or_without_its_caller() {
        let (_folder, mut connection) = connection();
        let soon = WorkLimits::ending_in(Duration::from_millis(20));
        connection.limit(&Arc::new(soon)).expect("limited");
        let error = connection.fetch(&endless(), 1).map(drop);
        assert!(error.expect_err("interrupted").is_interruption());

        let late = Arc::new(WorkLimits::new());
        connection.limit(&late).expect("limited");
        connection.caller.cancel();
        let error = connection.fetch(&endless(), 1).map(drop);
        assert!(error.expect_err("interrupted").is_interruption());
        connection.unlimit().expect("unlimited");
        connection.command("BEGIN").expect("not limited");
    }

    #[test]
    fn values_are_bound_by_number() {
        let (_folder, mut connection) = connection();
        let sql = "SELECT $2 AS two, $1 AS one, $2 || $3 AS both, $4 AS gap";
        let one_row = query("numbers", sql)
            .bind(1)
            .bind("b")
            .bind("c")
            .bind(None::<i64>);
        let rows = connection.fetch(&one_row, 1).expect("a row");
        let row = &rows[0];
        assert_eq!(row.int("one").expect("an integer"), 1);
        assert_eq!(row.text("two").expect("a text"), "b");
        assert_eq!(row.text("both").expect("a text"), "bc");
        assert_eq!(row.opt_int("gap").expect("NULL"), None);
        for column in ["gap", "two", "three"] {
            assert!(row.int(column).is_err(), "{column}");
        }
        let missing = connection.fetch(&query("missing", "SELECT $2").bind(1), 1);
        let error = missing.map(drop).expect_err("no value").to_string();
        assert_eq!(error, "placeholder $2 has no value");
    }
}
