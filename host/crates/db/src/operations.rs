//! What operators did.

use crate::statement::{Found, statement};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{OperationFilter, OperationRow, Operations};

#[async_trait]
impl Operations for Transaction<'_> {
    async fn operation_insert(&mut self, row: &OperationRow) -> Result<(), Error> {
        let insert = statement(
            "operation_insert",
            "INSERT INTO operations (at_ms, operator, action, subject, reason, before_state,
                 after_state)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .at(row.at)
        .bind(&*row.operator)
        .bind(&*row.action)
        .bind(&*row.subject)
        .bind(&*row.reason)
        .bind(&*row.before)
        .bind(&*row.after);
        self.execute(insert).await.map(drop)
    }

    async fn operation_page(
        &mut self,
        filter: &OperationFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, OperationRow)>, Error> {
        let OperationFilter {
            subject,
            action,
            operator,
        } = filter;
        // A subject has an index of its own; the casts tell PostgreSQL the type of what may be NULL.
        let page = match subject {
            Some(subject) => statement(
                "operation_page",
                "SELECT * FROM operations WHERE subject = $1 AND serial < $2
                   AND (CAST($3 AS TEXT) IS NULL OR action = $3)
                   AND (CAST($4 AS TEXT) IS NULL OR operator = $4)
                 ORDER BY serial DESC LIMIT $5",
            )
            .bind(&**subject),
            None => statement(
                "operation_page",
                "SELECT * FROM operations WHERE serial < $1
                   AND (CAST($2 AS TEXT) IS NULL OR action = $2)
                   AND (CAST($3 AS TEXT) IS NULL OR operator = $3)
                 ORDER BY serial DESC LIMIT $4",
            ),
        };
        let page = page
            .bind(before)
            .maybe(action.as_deref())
            .maybe(operator.as_deref())
            .bind(i64::from(limit));
        self.all(page).await?.iter().map(operation).collect()
    }
}

fn operation(found: &Found) -> Result<(i64, OperationRow), Error> {
    let row = OperationRow {
        at: found.at("at_ms")?,
        operator: found.text("operator")?,
        action: found.text("action")?,
        subject: found.text("subject")?,
        reason: found.text("reason")?,
        before: found.text("before_state")?,
        after: found.text("after_state")?,
    };
    Ok((found.int("serial")?, row))
}
