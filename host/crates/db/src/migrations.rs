//! Migrations: embedded texts, applied in order, in one transaction, by one process at a time.
//!
//! Owns: `schema_versions`, which names every text applied with its digest, and `schema_since`, which says
//! of each how old a host may be that works with it. Never goes back: a mistake is put right by a further
//! migration, and an applied text is never changed.
//!
//! Expand before you contract: what the version before does not know is added in one release, and what it
//! needs is taken away in a later one. So hosts of both run beside one another, and either may start again.

use crate::dialect::Dialect;
use crate::error::DbError;
use galleria_domain::Digest;
use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

struct Migration {
    /// From 1, one after the other.
    version: i64,
    /// The oldest version of a host that works with it, where that is not its own: what is only added
    /// disturbs nobody.
    since: Option<i64>,
    name: &'static str,
    text: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        since: None,
        name: "records",
        text: include_str!("../migrations/0001_records.sql"),
    },
    Migration {
        version: 2,
        since: None,
        name: "sale_lines",
        text: include_str!("../migrations/0002_sale_lines.sql"),
    },
    Migration {
        version: 3,
        since: None,
        name: "activities",
        text: include_str!("../migrations/0003_activities.sql"),
    },
    Migration {
        version: 4,
        since: None,
        name: "runs",
        text: include_str!("../migrations/0004_runs.sql"),
    },
    Migration {
        version: 5,
        since: None,
        name: "statements",
        text: include_str!("../migrations/0005_statements.sql"),
    },
    Migration {
        version: 6,
        since: None,
        name: "products",
        text: include_str!("../migrations/0006_products.sql"),
    },
    Migration {
        version: 7,
        since: None,
        name: "members",
        text: include_str!("../migrations/0007_members.sql"),
    },
    Migration {
        version: 8,
        since: None,
        name: "operations",
        text: include_str!("../migrations/0008_operations.sql"),
    },
    Migration {
        version: 9,
        since: None,
        name: "settlements",
        text: include_str!("../migrations/0009_settlements.sql"),
    },
    Migration {
        version: 10,
        since: None,
        name: "lists",
        text: include_str!("../migrations/0010_lists.sql"),
    },
    Migration {
        version: 11,
        since: None,
        name: "keys",
        text: include_str!("../migrations/0011_keys.sql"),
    },
    Migration {
        version: 12,
        since: None,
        name: "traces",
        text: include_str!("../migrations/0012_traces.sql"),
    },
    Migration {
        version: 13,
        since: None,
        name: "stories",
        text: include_str!("../migrations/0013_stories.sql"),
    },
    Migration {
        version: 14,
        since: None,
        name: "listed",
        text: include_str!("../migrations/0014_listed.sql"),
    },
    Migration {
        version: 15,
        since: None,
        name: "desk",
        text: include_str!("../migrations/0015_desk.sql"),
    },
    Migration {
        version: 16,
        since: None,
        name: "movements",
        text: include_str!("../migrations/0016_movements.sql"),
    },
    Migration {
        version: 17,
        since: None,
        name: "fiscal",
        text: include_str!("../migrations/0017_fiscal.sql"),
    },
    Migration {
        version: 18,
        since: None,
        name: "since",
        text: include_str!("../migrations/0018_since.sql"),
    },
    Migration {
        version: 19,
        since: Some(18),
        name: "marks",
        text: include_str!("../migrations/0019_marks.sql"),
    },
    Migration {
        version: 20,
        since: Some(18),
        name: "request_ids",
        text: include_str!("../migrations/0020_request_ids.sql"),
    },
    Migration {
        version: 21,
        since: Some(18),
        name: "standing",
        text: include_str!("../migrations/0021_standing.sql"),
    },
];

/// Any number, the same in every version of the host: PostgreSQL's name for "migrations of this".
const LOCK: i64 = 0x6761_6c6c_6572_6961;

impl Dialect {
    /// The text in the words of this database.
    fn worded(self, text: &str) -> String {
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
            // After a text that is read as JSON.
            .replace("{json}", json)
            .replace("{elements}", elements)
            // After a text that is sorted by bytes where its column is not.
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

/// Applies what is missing; answers one sentence for each.
pub(crate) async fn apply(
    connection: &mut AnyConnection,
    dialect: Dialect,
) -> Result<Vec<String>, DbError> {
    let failed = |source| DbError::operation("migrate", source);
    // SQLite's lock is the write transaction itself; PostgreSQL's goes with the transaction.
    let begin = match dialect {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    };
    let mut transaction = connection.begin_with(begin).await.map_err(failed)?;
    if dialect == Dialect::Postgres {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(LOCK)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS schema_versions (
             version BIGINT PRIMARY KEY,
             name TEXT NOT NULL,
             digest TEXT NOT NULL,
             applied_ms BIGINT NOT NULL
         )",
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    let found = version(&mut transaction, dialect).await?;
    if found > newest() {
        works_with(&mut transaction, found).await?;
    }
    let mut done = Vec::new();
    for migration in MIGRATIONS.iter().filter(|m| m.version > found) {
        step(&mut transaction, dialect, migration).await?;
        done.push(format!(
            "migration {} ({}) was applied",
            migration.version, migration.name
        ));
    }
    transaction.commit().await.map_err(failed)?;
    Ok(done)
}

async fn step(
    connection: &mut AnyConnection,
    dialect: Dialect,
    migration: &Migration,
) -> Result<(), DbError> {
    let failed = |source| {
        DbError::operation(
            format!("apply migration {} ({})", migration.version, migration.name),
            source,
        )
    };
    sqlx::raw_sql(AssertSqlSafe(dialect.worded(migration.text)))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query(
        "INSERT INTO schema_versions (version, name, digest, applied_ms) VALUES ($1, $2, $3, $4)",
    )
    .bind(migration.version)
    .bind(migration.name)
    .bind(Digest::of(migration.text.as_bytes()).as_str())
    .bind(Timestamp::now().as_millisecond())
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if let Some(since) = migration.since {
        sqlx::query("INSERT INTO schema_since (version, since) VALUES ($1, $2)")
            .bind(migration.version)
            .bind(since)
            .execute(connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Refuses a newer schema unless every migration beyond ours says that we work with it.
async fn works_with(connection: &mut AnyConnection, found: i64) -> Result<(), DbError> {
    let known = newest();
    let row = sqlx::query(
        "SELECT COUNT(*) AS known FROM schema_since WHERE version > $1 AND since <= $1",
    )
    .bind(known)
    .fetch_one(connection)
    .await;
    let good: i64 = row
        .and_then(|row| row.try_get("known"))
        .map_err(|source| DbError::operation("read the schema's version", source))?;
    match good == found - known {
        true => Ok(()),
        false => Err(DbError::SchemaTooNew { found, known }),
    }
}

/// Refuses a database whose schema this binary cannot work with.
pub(crate) async fn check(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), DbError> {
    let found = version(connection, dialect).await?;
    let known = newest();
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(DbError::SchemaTooOld { found, known }),
        std::cmp::Ordering::Greater => works_with(connection, found).await,
        std::cmp::Ordering::Equal => Ok(()),
    }
}

fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// The version applied last; 0 where there is none. Every applied text must be the one we know.
async fn version(connection: &mut AnyConnection, dialect: Dialect) -> Result<i64, DbError> {
    let failed = |source| DbError::operation("read the schema's version", source);
    let tables: i64 = sqlx::query(dialect.has_versions())
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get("tables"))
        .map_err(failed)?;
    if tables == 0 {
        return Ok(0);
    }
    let applied = sqlx::query("SELECT version, digest FROM schema_versions ORDER BY version")
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    let mut last = 0;
    for row in &applied {
        last = row.try_get("version").map_err(failed)?;
        let digest: &str = row.try_get("digest").map_err(failed)?;
        let changed = MIGRATIONS.iter().any(|migration| {
            migration.version == last && Digest::of(migration.text.as_bytes()).as_str() != digest
        });
        if changed {
            return Err(DbError::MigrationChanged { version: last });
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_follow_one_another_from_1() {
        let versions: Vec<_> = MIGRATIONS.iter().map(|m| m.version).collect();
        assert_eq!(versions, (1..=newest()).collect::<Vec<_>>());
    }

    #[test]
    fn what_older_hosts_work_with_takes_nothing_away() {
        for migration in MIGRATIONS {
            let text = migration.text.to_uppercase();
            let takes = ["DROP TABLE", "DROP COLUMN", "RENAME", "NOT NULL"]
                .iter()
                .any(|word| text.contains(word));
            let since = migration.since.unwrap_or(migration.version);
            assert!(since <= migration.version);
            assert!(since == migration.version || !takes, "{}", migration.name);
        }
    }

    #[test]
    fn no_word_is_left_unsaid() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for migration in MIGRATIONS {
                let text = dialect.worded(migration.text);
                let statements: String = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("--"))
                    .collect();
                assert!(!statements.contains('{'), "{statements}");
            }
        }
    }
}
