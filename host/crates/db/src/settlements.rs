//! The statements and lines of settlement runs.

use crate::query::query;
use crate::statement_rows as rows;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{LineRow, RunRow, SettlementCursor, Settlements, StatementRow};

#[async_trait]
impl Settlements for Transaction<'_> {
    async fn settlement_select(&mut self, run: &RunRow, late: bool) -> Result<(), Error> {
        let choose = query(
            "settlement_select",
            "INSERT INTO settlements (run_id, paid_on, statement_id)
             SELECT $1, s.paid_on, s.id FROM statements s
             WHERE s.retailer = $2 AND s.paid_on <= $3 AND s.state = 'matched'
               AND (s.paid_on >= $4 OR $5 = 1
                 AND EXISTS (SELECT 1 FROM runs r
                   WHERE r.retailer = $2 AND r.subscriber = $6 AND r.point = $7
                     AND r.store_id = $8 AND r.last_date >= s.paid_on
                     AND r.first_date <= s.paid_on AND r.state = 'ended')
                 AND NOT EXISTS (SELECT 1 FROM settlements t JOIN runs r ON r.id = t.run_id
                   WHERE t.statement_id = s.id AND r.retailer = $2 AND r.subscriber = $6
                     AND r.point = $7 AND r.store_id = $8))",
        )
        .bind(&*run.id)
        .bind(&*run.retailer)
        .bind(&*run.last)
        .bind(&*run.first)
        .bind(i64::from(late))
        .bind(&*run.subscriber)
        .bind_enum(run.point)
        .bind(&*run.store_id);
        self.execute_later(choose).await
    }

    async fn settlement_statement_list(
        &mut self,
        run: &str,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<StatementRow>, Error> {
        let list = query(
            "settlement_statement_list",
            "SELECT s.* FROM settlements t JOIN statements s ON s.id = t.statement_id
             WHERE t.run_id = $1 AND (t.paid_on, t.statement_id) > ($2, $3)
             ORDER BY t.paid_on, t.statement_id LIMIT $4",
        )
        .bind(run)
        .bind(after.0)
        .bind(after.1)
        .bind(i64::from(limit));
        self.fetch_all_as(list, rows::statement_row).await
    }

    async fn settlement_line_list(
        &mut self,
        id: &str,
        store_id: Option<&str>,
        after: &SettlementCursor,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error> {
        let list = query(
            "settlement_line_list",
            "SELECT * FROM statement_lines
             WHERE statement_id = $1 AND (store, business_date, number) > ($2, $3, $4)
               AND ($5 = '' OR store_id = $5)
             ORDER BY store, business_date, number LIMIT $6",
        )
        .bind(id)
        .bind(&*after.store)
        .bind(&*after.business_date)
        .bind(rows::count(after.number))
        .bind(store_id.unwrap_or_default())
        .bind(i64::from(limit));
        self.fetch_lines(list).await
    }
}
