//! Responses saved under an idempotency key, and requests and receipts to be sent.

use crate::placeholders::{self, CHUNK};
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
        inserted(self.insert(insert, 1).await?, "answer", &answered.key)
    }

    async fn outgoing_insert_many(&mut self, rows: &[OutgoingRow]) -> Result<(), Error> {
        for chunk in rows.chunks(CHUNK) {
            let head = "INSERT INTO requests (id, event_id, subscriber, store_id, request, created_ms, order_id)";
            let sql = (head, 7, "ON CONFLICT DO NOTHING RETURNING id");
            let insert = placeholders::insert("outgoing_insert_many", sql, chunk, |insert, row| {
                insert
                    .bind(&*row.id)
                    .bind(&*row.event_id)
                    .bind(&*row.subscriber)
                    .bind(&*row.store_id)
                    .bind(&*row.request)
                    .bind_timestamp(row.created_at)
                    .bind_opt(row.order_id.as_deref())
            });
            let ids = chunk.iter().map(|row| &*row.id);
            placeholders::insert_all(self, insert, "request", ids).await?;
        }
        Ok(())
    }

    async fn receipt_insert_many(&mut self, rows: &[ReceiptRow]) -> Result<(), Error> {
        for chunk in rows.chunks(CHUNK) {
            let head = "INSERT INTO receipts (id, event_id, subscriber, store_id, order_id, receipt, created_ms)";
            let sql = (head, 7, "ON CONFLICT DO NOTHING RETURNING id");
            let insert = placeholders::insert("receipt_insert_many", sql, chunk, |insert, row| {
                insert
                    .bind(&*row.id)
                    .bind(&*row.event_id)
                    .bind(&*row.subscriber)
                    .bind(&*row.store_id)
                    .bind_opt(row.order_id.as_deref())
                    .bind(&*row.receipt)
                    .bind_timestamp(row.created_at)
            });
            let ids = chunk.iter().map(|row| &*row.id);
            placeholders::insert_all(self, insert, "receipt", ids).await?;
        }
        Ok(())
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
