//! Rewrites stored JSON from contract 0.1.0 to 0.2.0. Part of migration 22, in its transaction.
//!
//! 0.1.0 called the person at a till `operator`; 0.2.0 says `cashier`. 0.1.0 wrote a decimal as
//! `{"unscaled": 125, "scale": 2}`; 0.2.0 writes `"1.25"`. Texts of the journal keep the form they were
//! written in: their digests name them.

use crate::error::DbError;
use galleria_domain::{Decimal, MAX_SCALE, contract};
use serde_json::{Map, Value};
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
                DbError::operation(format!("rewrite the JSON in table {table}"), source)
            })?;
    }
    rewrite_statement_lines(connection)
        .await
        .map_err(|source| DbError::operation("rewrite the JSON of statement lines", source))
}

/// Statement lines with a rate; their key has two columns.
async fn rewrite_statement_lines(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let page = format!(
        "SELECT statement_id, number, line FROM statement_lines
         WHERE (statement_id, number) > ($1, $2) ORDER BY statement_id, number LIMIT {PAGE}"
    );
    let mut after = (String::new(), 0_i64);
    loop {
        let rows = sqlx::query(AssertSqlSafe(page.clone()))
            .bind(after.0)
            .bind(after.1)
            .fetch_all(&mut *connection)
            .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = (last.try_get("statement_id")?, last.try_get("number")?);
        for row in &rows {
            let Some(new) = rewritten(row.try_get("line")?) else {
                continue;
            };
            sqlx::query(
                "UPDATE statement_lines SET line = $1 WHERE statement_id = $2 AND number = $3",
            )
            .bind(new)
            .bind(row.try_get::<String, _>("statement_id")?)
            .bind(row.try_get::<i64, _>("number")?)
            .execute(&mut *connection)
            .await?;
        }
    }
}

async fn rewrite_table(
    connection: &mut AnyConnection,
    table: &str,
    key: &str,
    columns: &[&str],
) -> Result<(), sqlx::Error> {
    let list = columns.join(", ");
    let page =
        format!("SELECT {key}, {list} FROM {table} WHERE {key} > $1 ORDER BY {key} LIMIT {PAGE}");
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
