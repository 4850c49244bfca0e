//! Recorded evaluations of taxes.

use crate::query::{Row, query};
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{
    TaxEvaluationCursor, TaxEvaluationFilter, TaxEvaluationRow, TaxEvaluations,
};
use jiff::Timestamp;

#[async_trait]
impl TaxEvaluations for Transaction<'_> {
    async fn tax_evaluation_get(&mut self, id: &str) -> Result<Option<TaxEvaluationRow>, Error> {
        let get = query(
            "tax_evaluation_get",
            "SELECT * FROM tax_evaluations WHERE id = $1",
        );
        self.fetch_optional_as(get.bind(id), evaluation).await
    }

    async fn tax_evaluation_insert(&mut self, row: &TaxEvaluationRow) -> Result<(), Error> {
        let insert = query(
            "tax_evaluation_insert",
            "INSERT INTO tax_evaluations (id, digest, store_id, idempotency_key, actor, recorded_ms,
                 request, response)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT DO NOTHING",
        )
        .bind(&*row.id)
        .bind(&*row.digest)
        .bind(&*row.store_id)
        .bind(&*row.idempotency_key)
        .bind(&*row.actor)
        .bind_timestamp(row.recorded_at)
        .bind(&*row.request)
        .bind(&*row.response);
        inserted(self.insert(insert, 1).await?, "evaluation", &row.id)
    }

    async fn tax_evaluation_list(
        &mut self,
        filter: &TaxEvaluationFilter,
        before: &TaxEvaluationCursor,
        limit: u32,
    ) -> Result<Vec<TaxEvaluationRow>, Error> {
        let list = match filter.idempotency_key {
            None => query(
                "tax_evaluation_list",
                "SELECT * FROM tax_evaluations
                 WHERE store_id = $1 AND recorded_ms >= $2 AND (recorded_ms, id) < ($3, $4)
                 ORDER BY recorded_ms DESC, id DESC LIMIT $5",
            ),
            Some(_) => query(
                "tax_evaluation_list",
                "SELECT * FROM tax_evaluations
                 WHERE store_id = $1 AND recorded_ms >= $2 AND (recorded_ms, id) < ($3, $4)
                   AND idempotency_key = $6
                 ORDER BY recorded_ms DESC, id DESC LIMIT $5",
            ),
        };
        let list = list
            .bind(&*filter.store_id)
            .bind_timestamp(filter.since)
            .bind_timestamp(before.0)
            .bind(&*before.1)
            .bind(i64::from(limit));
        let list = match &filter.idempotency_key {
            None => list,
            Some(key) => list.bind(&**key),
        };
        self.fetch_all_as(list, evaluation).await
    }

    async fn tax_evaluation_remove(&mut self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let remove = query(
            "tax_evaluation_remove",
            "DELETE FROM tax_evaluations WHERE id IN (
                 SELECT id FROM tax_evaluations WHERE recorded_ms < $1 ORDER BY recorded_ms LIMIT $2)",
        )
        .bind_timestamp(before)
        .bind(i64::from(limit));
        self.execute(remove).await
    }
}

fn evaluation(row: &Row) -> Result<TaxEvaluationRow, Error> {
    Ok(TaxEvaluationRow {
        id: row.text("id")?,
        digest: row.text("digest")?,
        store_id: row.text("store_id")?,
        idempotency_key: row.text("idempotency_key")?,
        actor: row.text("actor")?,
        recorded_at: row.timestamp("recorded_ms")?,
        request: row.text("request")?,
        response: row.text("response")?,
    })
}
