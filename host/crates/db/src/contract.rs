//! Rewrites stored JSON from contract 0.1.0 to 0.2.0. Part of migration 22, in its transaction.
//!
//! 0.1.0 called the person at a till `operator`; 0.2.0 says `cashier`. 0.1.0 wrote a decimal as
//! `{"unscaled": 125, "scale": 2}`; 0.2.0 writes `"1.25"`. Texts of the journal keep the form they were
//! written in: their digests name them.

use crate::connection::Connection;
use crate::driver_error::DriverError;
use crate::error::DbError;
use crate::query::{Query, Row, query};
use galleria_domain::{Decimal, MAX_SCALE, contract};
use serde_json::{Map, Value};

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
pub(crate) async fn rewrite(connection: &mut Connection<'_>) -> Result<(), DbError> {
    for (table, key, columns) in TABLES {
        rewrite_table(connection, table, key, columns)
            .await
            .map_err(|source| {
                DbError::operation(format!("rewrite the JSON in table {table}"), source)
            })?;
    }
    rewrite_statement_lines(connection)
        .await
        .map_err(|source| DbError::operation("rewrite the JSON of statement lines", source))
}

/// Statement lines with a rate; their key has two columns.
async fn rewrite_statement_lines(connection: &mut Connection<'_>) -> Result<(), DriverError> {
    let page = format!(
        "SELECT statement_id, number, line FROM statement_lines
         WHERE (statement_id, number) > ($1, $2) ORDER BY statement_id, number LIMIT {PAGE}"
    );
    let mut after = (String::new(), 0_i64);
    loop {
        let list = query("statement_lines", page.clone())
            .bind(&*after.0)
            .bind(after.1);
        let rows = fetch(connection, list).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        for row in &rows {
            let Some(new) = text(row, "line")?.and_then(rewritten) else {
                continue;
            };
            let update = query(
                "statement_line_rewrite",
                "UPDATE statement_lines SET line = $1 WHERE statement_id = $2 AND number = $3",
            )
            .bind(new)
            .bind(text(row, "statement_id")?)
            .bind(row.cells.int("number")?);
            execute(connection, update).await?;
        }
        after = (
            text(last, "statement_id")?.unwrap_or_default().to_owned(),
            last.cells.int("number")?.unwrap_or_default(),
        );
    }
}

async fn rewrite_table(
    connection: &mut Connection<'_>,
    table: &str,
    key: &str,
    columns: &[&str],
) -> Result<(), DriverError> {
    let list = columns.join(", ");
    let page =
        format!("SELECT {key}, {list} FROM {table} WHERE {key} > $1 ORDER BY {key} LIMIT {PAGE}");
    let mut after = String::new();
    loop {
        let list = query("rows", page.clone()).bind(&*after);
        let rows = fetch(connection, list).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        for row in &rows {
            for column in columns {
                let Some(new) = text(row, column)?.and_then(rewritten) else {
                    continue;
                };
                let update = format!("UPDATE {table} SET {column} = $1 WHERE {key} = $2");
                let update = query("rewrite", update).bind(new).bind(text(row, key)?);
                execute(connection, update).await?;
            }
        }
        after = text(last, key)?.unwrap_or_default().to_owned();
    }
}

async fn fetch(connection: &mut Connection<'_>, query: Query<'_>) -> Result<Vec<Row>, DriverError> {
    let rows = connection.fetch_all(&query).await;
    rows.map_err(|error| error.source)
}

async fn execute(connection: &mut Connection<'_>, query: Query<'_>) -> Result<(), DriverError> {
    let done = connection.execute(&query).await;
    done.map(drop).map_err(|error| error.source)
}

fn text<'r>(row: &'r Row, column: &str) -> Result<Option<&'r str>, DriverError> {
    row.cells.text(column)
}

/// Returns the text in the new form, or `None` if nothing changed.
fn rewritten(text: &str) -> Option<String> {
    let old: Value = serde_json::from_str(text).ok()?;
    let new = converted(old.clone());
    (new != old).then(|| new.to_string())
}

fn converted(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(converted).collect(),
        Value::Object(fields) if contract::is_decimal_object(&fields) => {
            decimal(&fields).map_or(Value::Object(fields), Value::String)
        }
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

fn decimal(fields: &Map<String, Value>) -> Option<String> {
    let unscaled = fields.get("unscaled")?.as_i64()?;
    let scale = u8::try_from(fields.get("scale")?.as_u64()?).ok()?;
    (scale <= MAX_SCALE).then(|| Decimal { unscaled, scale }.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_rewritten() {
        let old =
            r#"[{"age":{"operator":"eva"},"name":"operator","rate":{"scale":4,"unscaled":-25}}]"#;
        let new = r#"[{"age":{"cashier":"eva"},"name":"operator","rate":"-0.0025"}]"#;
        assert_eq!(rewritten(old).as_deref(), Some(new));
        for same in [new, "[]", r#"{"scale":1}"#, "not JSON"] {
            assert_eq!(rewritten(same), None, "{same}");
        }
    }
}
