//! Migrations: embedded SQL texts, applied in order, in one transaction, by one process at a time.
//!
//! Owns two tables. `schema_versions` lists the applied migrations with their digests. `schema_since`
//! lists the oldest host version that works with each migration. A schema never goes back: a further
//! migration corrects an error, and an applied text never changes.
//!
//! Expand first, contract later: one release adds what the previous version does not know, and a later
//! release removes what it needs. So hosts of both versions run at the same time, and both can restart.

use crate::connection::Connection;
use crate::dialect::Dialect;
use crate::driver_error::DriverError;
use crate::error::DbError;
use crate::query::{Query, Row, query};
use galleria_domain::Digest;
use jiff::Timestamp;

struct Migration {
    /// Consecutive from 1.
    version: i64,
    /// The oldest host version that works with the migrated schema. A migration that only adds
    /// something is compatible with earlier versions.
    compatible_from: i64,
    /// Recorded in `schema_versions`.
    name: &'static str,
    text: &'static str,
}

impl Migration {
    const fn new(version: i64, name: &'static str, text: &'static str) -> Self {
        Self {
            version,
            compatible_from: version,
            name,
            text,
        }
    }

    /// Declares that hosts of an earlier schema version work with the migrated schema.
    const fn compatible_from(mut self, version: i64) -> Self {
        self.compatible_from = version;
        self
    }
}

macro_rules! migration {
    ($version:literal, $name:literal, $file:literal) => {
        Migration::new(
            $version,
            $name,
            include_str!(concat!("../migrations/", $file)),
        )
    };
}

/// The migration that also rewrites JSON in columns.
const VOCABULARY: i64 = 22;

const MIGRATIONS: &[Migration] = &[
    migration!(1, "records", "0001_records.sql"),
    migration!(2, "sale_lines", "0002_sale_lines.sql"),
    migration!(3, "activities", "0003_activities.sql"),
    migration!(4, "runs", "0004_runs.sql"),
    migration!(5, "statements", "0005_statements.sql"),
    migration!(6, "products", "0006_products.sql"),
    migration!(7, "members", "0007_members.sql"),
    migration!(8, "operations", "0008_operations.sql"),
    migration!(9, "settlements", "0009_settlements.sql"),
    migration!(10, "lists", "0010_lists.sql"),
    migration!(11, "keys", "0011_keys.sql"),
    migration!(12, "traces", "0012_traces.sql"),
    migration!(13, "stories", "0013_stories.sql"),
    migration!(14, "listed", "0014_listed.sql"),
    migration!(15, "desk", "0015_desk.sql"),
    migration!(16, "movements", "0016_movements.sql"),
    migration!(17, "fiscal", "0017_fiscal.sql"),
    migration!(18, "since", "0018_since.sql"),
    migration!(19, "marks", "0019_marks.sql").compatible_from(18),
    migration!(20, "request_ids", "0020_request_ids.sql").compatible_from(18),
    migration!(21, "standing", "0021_standing.sql").compatible_from(18),
    migration!(22, "vocabulary", "0022_vocabulary.sql"),
    migration!(23, "allocations", "0023_allocations.sql"),
    migration!(24, "rejected_statements", "0024_rejected_statements.sql"),
    migration!(25, "document_folders", "0025_document_folders.sql"),
    migration!(26, "turns", "0026_turns.sql").compatible_from(25),
    migration!(27, "dead_letter_codes", "0027_dead_letter_codes.sql").compatible_from(25),
    migration!(28, "taxes", "0028_taxes.sql").compatible_from(25),
    migration!(29, "order_taxes", "0029_order_taxes.sql").compatible_from(25),
    migration!(30, "tax_evaluations", "0030_tax_evaluations.sql").compatible_from(25),
    migration!(31, "reloads", "0031_reloads.sql").compatible_from(25),
    migration!(32, "tax_comparisons", "0032_tax_comparisons.sql").compatible_from(25),
    migration!(33, "reload_clocks", "0033_reload_clocks.sql").compatible_from(25),
    migration!(34, "tenders_fresh", "0034_tenders_fresh.sql").compatible_from(25),
    migration!(35, "tax_evaluation_keys", "0035_tax_evaluation_keys.sql").compatible_from(25),
    migration!(36, "fewer_indexes", "0036_fewer_indexes.sql").compatible_from(25),
    migration!(37, "store_totals", "0037_store_totals.sql").compatible_from(25),
];

/// Key of the advisory lock on PostgreSQL. Any number, but the same in every version of the host.
const LOCK: i64 = 0x6761_6c6c_6572_6961;

impl Dialect {
    /// Replaces the placeholders of a migration by the database's own syntax.
    fn expand(self, text: &str) -> String {
        let (serial, bytes, ordered, now_ms, json, elements) = match self {
            Self::Sqlite => (
                "INTEGER PRIMARY KEY",
                "BLOB",
                "TEXT",
                "CAST(strftime('%s', 'now') AS INTEGER) * 1000",
                "",
                "json_each",
            ),
            Self::Postgres => (
                "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                "BYTEA",
                "TEXT COLLATE \"C\"",
                "CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)",
                "::json",
                "json_array_elements",
            ),
        };
        text.replace("{serial}", serial)
            .replace("{bytes}", bytes)
            .replace("{ordered}", ordered)
            .replace("{now_ms}", now_ms)
            // A suffix that casts a text to JSON.
            .replace("{json}", json)
            .replace("{elements}", elements)
            // A suffix that sorts a text by bytes.
            .replace("{bytewise}", self.bytewise())
    }

    fn has_versions(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT COUNT(*) AS tables FROM sqlite_master
                 WHERE type = 'table' AND name = 'schema_versions'"
            }
            Self::Postgres => {
                "SELECT COUNT(*) AS tables FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_name = 'schema_versions'"
            }
        }
    }
}

/// Applies the missing migrations and returns one sentence for each.
pub(crate) async fn apply(connection: &mut Connection<'_>) -> Result<Vec<String>, DbError> {
    let failed = |source| DbError::operation("migrate schema", source);
    // On SQLite the write transaction is the lock. On PostgreSQL the lock ends with the transaction.
    let begin = match connection.dialect() {
        Dialect::Sqlite => "BEGIN IMMEDIATE".to_owned(),
        Dialect::Postgres => format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})"),
    };
    connection.run_script(&begin).await.map_err(failed)?;
    // Dropping the connection after an error rolls back.
    let steps = apply_missing(connection).await?;
    connection.run_script("COMMIT").await.map_err(failed)?;
    Ok(steps)
}

async fn apply_missing(connection: &mut Connection<'_>) -> Result<Vec<String>, DbError> {
    connection
        .run_script(
            "CREATE TABLE IF NOT EXISTS schema_versions (
                 version BIGINT PRIMARY KEY,
                 name TEXT NOT NULL,
                 digest TEXT NOT NULL,
                 applied_ms BIGINT NOT NULL
             )",
        )
        .await
        .map_err(|source| DbError::operation("migrate schema", source))?;
    let found = version(connection).await?;
    if found > newest() {
        check_newer(connection, found).await?;
    }
    let mut steps = Vec::new();
    for migration in MIGRATIONS.iter().filter(|m| m.version > found) {
        apply_one(connection, migration).await?;
        steps.push(format!(
            "migration {} ({}) applied",
            migration.version, migration.name
        ));
    }
    Ok(steps)
}

async fn apply_one(connection: &mut Connection<'_>, migration: &Migration) -> Result<(), DbError> {
    let failed = |source| {
        DbError::operation(
            format!("apply migration {} ({})", migration.version, migration.name),
            source,
        )
    };
    let text = connection.dialect().expand(migration.text);
    connection.run_script(&text).await.map_err(failed)?;
    if migration.version == VOCABULARY {
        crate::contract::rewrite(connection).await?;
    }
    let digest = Digest::of(migration.text.as_bytes());
    let record = query(
        "record migration",
        "INSERT INTO schema_versions (version, name, digest, applied_ms) VALUES ($1, $2, $3, $4)",
    )
    .bind(migration.version)
    .bind(migration.name)
    .bind(digest.as_str())
    .bind_timestamp(Timestamp::now());
    let recorded = connection.execute(&record).await;
    recorded.map_err(|error| failed(error.source))?;
    if migration.compatible_from < migration.version {
        let since = query(
            "record compatible version",
            "INSERT INTO schema_since (version, since) VALUES ($1, $2)",
        )
        .bind(migration.version)
        .bind(migration.compatible_from);
        let recorded = connection.execute(&since).await;
        recorded.map_err(|error| failed(error.source))?;
    }
    Ok(())
}

/// Rejects a newer schema unless all its further migrations are compatible with this binary.
async fn check_newer(connection: &mut Connection<'_>, found: i64) -> Result<(), DbError> {
    let known = newest();
    let count = query(
        "compatible versions",
        "SELECT COUNT(*) AS compatible FROM schema_since WHERE version > $1 AND since <= $1",
    )
    .bind(known);
    let rows = rows(connection, count).await?;
    match int(rows.first(), "compatible")? == found - known {
        true => Ok(()),
        false => Err(DbError::SchemaTooNew { found, known }),
    }
}

/// Rejects a schema that this binary does not support.
pub(crate) async fn check(connection: &mut Connection<'_>) -> Result<(), DbError> {
    let found = version(connection).await?;
    let known = newest();
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(DbError::SchemaTooOld { found, known }),
        std::cmp::Ordering::Greater => check_newer(connection, found).await,
        std::cmp::Ordering::Equal => Ok(()),
    }
}

fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Returns the last applied version, or 0. Rejects an applied text that differs from this binary's.
async fn version(connection: &mut Connection<'_>) -> Result<i64, DbError> {
    let tables = query("tables", connection.dialect().has_versions());
    if int(rows(connection, tables).await?.first(), "tables")? == 0 {
        return Ok(0);
    }
    let applied = query(
        "versions",
        "SELECT version, digest FROM schema_versions ORDER BY version",
    );
    let mut last = 0;
    for row in rows(connection, applied).await? {
        last = int(Some(&row), "version")?;
        let digest = row.cells.text("digest").map_err(unreadable)?;
        let changed = MIGRATIONS.iter().any(|migration| {
            let digest_here = Digest::of(migration.text.as_bytes());
            migration.version == last && Some(digest_here.as_str()) != digest
        });
        if changed {
            return Err(DbError::MigrationChanged { version: last });
        }
    }
    Ok(last)
}

async fn rows(connection: &mut Connection<'_>, query: Query<'_>) -> Result<Vec<Row>, DbError> {
    let rows = connection.fetch_all(&query).await;
    rows.map_err(|error| unreadable(error.source))
}

fn int(row: Option<&Row>, column: &str) -> Result<i64, DbError> {
    let value = row.map_or(Ok(None), |row| row.cells.int(column));
    value
        .and_then(|value| value.ok_or(DriverError::Null))
        .map_err(unreadable)
}

fn unreadable(source: DriverError) -> DbError {
    DbError::operation("read schema version", source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_consecutive_from_1() {
        let versions: Vec<_> = MIGRATIONS.iter().map(|m| m.version).collect();
        assert_eq!(versions, (1..=newest()).collect::<Vec<_>>());
    }

    #[test]
    fn a_compatible_migration_removes_nothing() {
        for migration in MIGRATIONS {
            let lines = migration.text.lines();
            let lines: Vec<&str> = lines.filter(|line| !line.starts_with("--")).collect();
            let text = lines.join("\n").to_uppercase();
            // Earlier hosts do not write to a new table.
            let mut statements = text.split(';').map(str::trim);
            let removes = statements.any(|statement| {
                let removing = ["DROP TABLE", "DROP COLUMN", "RENAME", "NOT NULL"];
                let removing = removing.iter().any(|word| statement.contains(word));
                removing && !statement.starts_with("CREATE TABLE")
            });
            let since = migration.compatible_from;
            assert!(since <= migration.version);
            assert!(since == migration.version || !removes, "{}", migration.name);
        }
    }

    #[test]
    fn all_placeholders_are_expanded() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for migration in MIGRATIONS {
                let text = dialect.expand(migration.text);
                let queries: String = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("--"))
                    .collect();
                assert!(!queries.contains('{'), "{queries}");
            }
        }
    }
}
