//! Responses saved under an idempotency key, and requests and receipts to be sent.

use crate::query::{Row, query};
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{OutgoingRow, ReceiptRow, Requests, SavedResponse};

#[async_trait]
impl Requests for Transaction<'_> {
    async fn saved_response_get(&mut self, key: &str) -> Result<Option<SavedResponse>, Error> {
        let get = query(
            "saved_response_get",
            "SELECT * FROM answered WHERE idempotency_key = $1",
        )
        .bind(key);
        self.fetch_optional_as(get, answered).await
    }

    async fn saved_response_insert(&mut self, answered: &SavedResponse) -> Result<(), Error> {
        let insert = query(
            "saved_response_insert",
            "INSERT INTO answered (idempotency_key, request, status, body, at_ms)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(&*answered.key)
        .bind(&*answered.request)
        .bind(i64::from(answered.status))
        .bind(&*answered.body)
        .bind_timestamp(answered.at);
        inserted(self.execute(insert).await?, "answer", &answered.key)
    }

    async fn outgoing_insert(&mut self, row: &OutgoingRow) -> Result<(), Error> {
        let insert = query(
            "outgoing_insert",
            "INSERT INTO requests (id, event_id, subscriber, store_id, request, created_ms, order_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING",
        )
        .bind(&*row.id)
        .bind(&*row.event_id)
        .bind(&*row.subscriber)
        .bind(&*row.store_id)
        .bind(&*row.request)
        .bind_timestamp(row.created_at)
        .bind_opt(row.order_id.as_deref());
        inserted(self.execute(insert).await?, "request", &row.id)
    }

    async fn receipt_insert(&mut self, row: &ReceiptRow) -> Result<(), Error> {
        let insert = query(
            "receipt_insert",
            "INSERT INTO receipts (id, event_id, subscriber, store_id, order_id, receipt, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING",
        )
        .bind(&*row.id)
        .bind(&*row.event_id)
        .bind(&*row.subscriber)
        .bind(&*row.store_id)
        .bind_opt(row.order_id.as_deref())
        .bind(&*row.receipt)
        .bind_timestamp(row.created_at);
        inserted(self.execute(insert).await?, "receipt", &row.id)
    }
}

fn answered(row: &Row) -> Result<SavedResponse, Error> {
    Ok(SavedResponse {
        key: row.text("idempotency_key")?,
        request: row.text("request")?,
        status: row.int_as("status")?,
        body: row.text("body")?,
        at: row.timestamp("at_ms")?,
    })
}
