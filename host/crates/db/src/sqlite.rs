//! SQLite connections: their settings, and the check that SQLite applied them.

use crate::error::DbError;
use sqlx::any::AnyConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Executor as _};
use std::path::Path;

/// Page cache of the writer, KiB: it keeps the upper pages of the indexes.
pub(crate) const WRITER_CACHE_KIB: u32 = 16_384;
/// Page cache of a reader, KiB: SQLite's default. A report reads each page once, through any free
/// connection, so a larger cache would only cost memory for each reader.
pub(crate) const READER_CACHE_KIB: u32 = 2_048;

/// Options for the database file at `path`. Creates its folder.
pub(crate) fn options(path: &Path) -> Result<AnyConnectOptions, DbError> {
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
    let url = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .to_url_lossy();
    AnyConnectOptions::from_url(&url).map_err(|_| DbError::Address)
}

/// Applies the settings of a connection.
pub(crate) async fn set_up(
    connection: &mut AnyConnection,
    cache_kib: u32,
) -> Result<(), sqlx::Error> {
    // WAL lets readers continue while the writer commits. FULL syncs the log at each commit, so an
    // acknowledged commit survives a power failure. The busy timeout of ten seconds waits for a
    // transaction of another process, such as `galleria migrate` on a large file. The size limit
    // truncates a log that grew while a long report read its snapshot back to 64 MiB.
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

/// Checks the settings that durability depends on: SQLite ignores a setting it cannot apply.
pub(crate) async fn verify(connection: &mut AnyConnection) -> Result<(), DbError> {
    let failed = |source| DbError::operation("read SQLite settings", source);
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
    match settings.into_iter().find(|(applied, _)| !applied) {
        Some((_, setting)) => Err(DbError::Setting { setting }),
        None => Ok(()),
    }
}
