//! Actions of operators.

use crate::placeholders::{self, CHUNK};
use crate::query::{Row, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{OperationFilter, OperationRow, Operations};

/// Columns of an inserted operation.
const COLUMNS: usize = 7;

#[async_trait]
impl Operations for Transaction<'_> {
    async fn operation_lock(&mut self, subject: &str) -> Result<(), Error> {
        // SQLite has one writer.
        if !self.locks() {
            return Ok(());
        }
        let lock = query(
            "operation_lock",
            "SELECT pg_advisory_xact_lock(hashtextextended('operations ' || $1, 0))",
        );
        self.execute_later(lock.bind(subject)).await
    }

    async fn operation_insert_many(&mut self, rows: &[OperationRow]) -> Result<(), Error> {
        for chunk in rows.chunks(CHUNK) {
            let sql = format!(
                "INSERT INTO operations (at_ms, actor, action, subject, reason, before_state,
                     after_state)
                 VALUES {}",
                placeholders::tuples(1, chunk.len(), COLUMNS)
            );
            let insert = query("operation_insert", sql);
            let insert = chunk.iter().fold(insert, |insert, row| {
                insert
                    .bind_timestamp(row.at)
                    .bind(&*row.actor)
                    .bind(&*row.action)
                    .bind(&*row.subject)
                    .bind(&*row.reason)
                    .bind(&*row.before)
                    .bind(&*row.after)
            });
            self.execute_later(insert).await?;
        }
        Ok(())
    }

    async fn operation_list(
        &mut self,
        filter: &OperationFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, OperationRow)>, Error> {
        let OperationFilter {
            subject,
            action,
            actor,
        } = filter;
        // A filter by subject uses its index. The casts give PostgreSQL the type of a NULL.
        let page = match subject {
            Some(subject) => query(
                "operation_list",
                "SELECT * FROM operations WHERE subject = $1 AND serial < $2
                   AND (CAST($3 AS TEXT) IS NULL OR action = $3)
                   AND (CAST($4 AS TEXT) IS NULL OR actor = $4)
                 ORDER BY serial DESC LIMIT $5",
            )
            .bind(&**subject),
            None => query(
                "operation_list",
                "SELECT * FROM operations WHERE serial < $1
                   AND (CAST($2 AS TEXT) IS NULL OR action = $2)
                   AND (CAST($3 AS TEXT) IS NULL OR actor = $3)
                 ORDER BY serial DESC LIMIT $4",
            ),
        };
        let page = page
            .bind(before)
            .bind_opt(action.as_deref())
            .bind_opt(actor.as_deref())
            .bind(i64::from(limit));
        self.fetch_all_as(page, operation).await
    }
}

fn operation(row: &Row) -> Result<(i64, OperationRow), Error> {
    let operation = OperationRow {
        at: row.timestamp("at_ms")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        reason: row.text("reason")?,
        before: row.text("before_state")?,
        after: row.text("after_state")?,
    };
    Ok((row.int("serial")?, operation))
}
