//! Statement files that a plugin rejected.

use crate::query::{Row, query};
use crate::statement_rows::count;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{RejectedStatementRow, RejectedStatements};

#[async_trait]
impl RejectedStatements for Transaction<'_> {
    async fn rejected_statement_put(&mut self, row: &RejectedStatementRow) -> Result<(), Error> {
        let put = query(
            "rejected_statement_put",
            "INSERT INTO rejected_statements (id, retailer, plugin, file, digest, size, problems,
                 rejected_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id) DO UPDATE SET plugin = excluded.plugin, file = excluded.file,
                 problems = excluded.problems, rejected_ms = excluded.rejected_ms",
        )
        .bind(&*row.id)
        .bind(&*row.retailer)
        .bind(&*row.plugin)
        .bind(&*row.file)
        .bind(&*row.digest)
        .bind(count(row.size))
        .bind_json(&row.problems)
        .bind_timestamp(row.rejected_at);
        self.execute_later(put).await
    }

    async fn rejected_statement_get(
        &mut self,
        id: &str,
    ) -> Result<Option<RejectedStatementRow>, Error> {
        let get = query(
            "rejected_statement_get",
            "SELECT * FROM rejected_statements WHERE id = $1",
        );
        self.fetch_optional_as(get.bind(id), rejected).await
    }

    async fn rejected_statement_list(
        &mut self,
        retailer: &str,
        limit: u32,
    ) -> Result<Vec<RejectedStatementRow>, Error> {
        let list = query(
            "rejected_statement_list",
            "SELECT * FROM rejected_statements WHERE retailer = $1
             ORDER BY rejected_ms DESC, id DESC LIMIT $2",
        );
        let list = list.bind(retailer).bind(i64::from(limit));
        self.fetch_all_as(list, rejected).await
    }

    async fn rejected_statement_remove(&mut self, id: &str) -> Result<(), Error> {
        let remove = query(
            "rejected_statement_remove",
            "DELETE FROM rejected_statements WHERE id = $1",
        );
        self.execute_later(remove.bind(id)).await
    }
}

fn rejected(row: &Row) -> Result<RejectedStatementRow, Error> {
    Ok(RejectedStatementRow {
        id: row.text("id")?,
        retailer: row.text("retailer")?,
        plugin: row.text("plugin")?,
        file: row.text("file")?,
        digest: row.text("digest")?,
        size: row.int_as("size")?,
        problems: row.json("problems")?,
        rejected_at: row.timestamp("rejected_ms")?,
    })
}
