//! Rewrites stored JSON from contract 0.1.0 to 0.2.0. Part of migration 22, in its transaction.
//!
//! 0.1.0 called the person at a till `operator`; 0.2.0 says `cashier`. Texts of the journal keep the
//! form they were written in: their digests name them.

use crate::open::DbError;
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

/// Tables whose rows hold values of the contract as JSON, each with its key and those columns.
const TABLES: &[(&str, &str, &[&str])] = &[
    ("orders", "id", &["lines"]),
    ("payments", "id", &["sale"]),
    ("refunds", "id", &["entry", "extent", "tenders", "refund"]),
    ("voids", "id", &["cancellation"]),
    ("shifts", "id", &["closed"]),
    ("verifications", "id", &["verification"]),
];

/// Rows read at once: the migration needs constant memory.
const PAGE: i64 = 500;

/// Rewrites every row.
pub(crate) async fn rewrite(connection: &mut AnyConnection) -> Result<(), DbError> {
    for (table, key, columns) in TABLES {
        rewrite_table(connection, table, key, columns)
            .await
            .map_err(|source| {
                DbError::statement(format!("rewrite the JSON in table {table}"), source)
            })?;
    }
    Ok(())
}

async fn rewrite_table(
    connection: &mut AnyConnection,
    table: &str,
    key: &str,
    columns: &[&str],
) -> Result<(), sqlx::Error> {
    let list = columns.join(", ");
    let page = format!(
        "SELECT {key}, {list} FROM {table} WHERE {key} > $1 ORDER BY {key} LIMIT {PAGE}"
    );
    let mut after = String::new();
    loop {
        let rows = sqlx::query(AssertSqlSafe(page.clone()))
            .bind(after)
            .fetch_all(&mut *connection)
            .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.try_get(key)?;
        for row in &rows {
            for column in columns {
                let text: Option<String> = row.try_get(*column)?;
                let Some(new) = text.as_deref().and_then(rewritten) else {
                    continue;
                };
                let update = format!("UPDATE {table} SET {column} = $1 WHERE {key} = $2");
                sqlx::query(AssertSqlSafe(update))
                    .bind(new)
                    .bind(row.try_get::<String, _>(key)?)
                    .execute(&mut *connection)
                    .await?;
            }
        }
    }
}

/// The text in the new form; none if nothing in it differs.
fn rewritten(text: &str) -> Option<String> {
    let old: Value = serde_json::from_str(text).ok()?;
    let new = converted(old.clone());
    (new != old).then(|| new.to_string())
}

fn converted(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(converted).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let name = match name.as_str() {
                    "operator" => "cashier".to_owned(),
                    _ => name,
                };
                (name, converted(value))
            })
            .collect(),
        other => other,
    }
}
