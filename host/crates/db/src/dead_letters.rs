//! Dead letters.

use crate::outbox::{bind_origin, event};
use crate::query::{Row, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{DeadLetter, DeadLetterCursor, DeadLetterFilter, DeadLetters};

/// Selects a page of dead letters. A filter by code uses its index: the status looks for a code that few dead
/// letters have. The casts give PostgreSQL the type of a NULL.
macro_rules! select {
    ($by_code:literal) => {
        concat!(
            "SELECT * FROM dead_letters WHERE ",
            $by_code,
            " AND (died_ms, position, subscriber) > ($1, $2, $3)
              AND (CAST($4 AS TEXT) IS NULL OR subscriber = $4)
              AND (CAST($6 AS TEXT) IS NULL OR store_id = $6)
              AND (CAST($7 AS TEXT) IS NULL OR topic = $7)
              AND (CAST($8 AS TEXT) IS NULL OR EXISTS
                  (SELECT 1 FROM stores s WHERE s.id = store_id AND s.retailer = $8))
              AND (CAST($9 AS TEXT) IS NULL OR code <> $9)
            ORDER BY died_ms, position, subscriber LIMIT $10"
        )
    };
}

#[async_trait]
impl DeadLetters for Transaction<'_> {
    async fn dead_letter_put(&mut self, letter: &DeadLetter) -> Result<(), Error> {
        let event = &letter.event;
        let put = query(
            "dead_letter_put",
            "INSERT INTO dead_letters (event_id, subscriber, consumer_group, lane, position, topic,
                 event_key, store_id, data, created_ms, code, detail, attempts, component, died_ms,
                 traceparent, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
             ON CONFLICT (event_id, subscriber) DO UPDATE SET
                 consumer_group = excluded.consumer_group, lane = excluded.lane,
                 position = excluded.position, topic = excluded.topic,
                 event_key = excluded.event_key, store_id = excluded.store_id,
                 data = excluded.data, created_ms = excluded.created_ms, code = excluded.code,
                 detail = excluded.detail, attempts = excluded.attempts,
                 component = excluded.component, died_ms = excluded.died_ms,
                 traceparent = excluded.traceparent, request_id = excluded.request_id",
        )
        .bind(&*event.id)
        .bind(&*letter.subscriber)
        .bind(&*letter.group)
        .bind(&*letter.lane)
        .bind(event.position)
        .bind(&*event.topic)
        .bind_opt(event.key.as_deref())
        .bind_opt(event.store.as_deref())
        .bind_json(&event.data)
        .bind(event.server_timestamp)
        .bind(&*letter.code)
        .bind(&*letter.detail)
        .bind(i64::from(letter.attempts))
        .bind(&*letter.component)
        .bind_timestamp(letter.died_at);
        let put = bind_origin(put, &event.origin);
        self.execute_later(put).await
    }

    async fn dead_letter_list(
        &mut self,
        filter: &DeadLetterFilter,
        after: Option<&DeadLetterCursor>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        let sql = match filter.code {
            Some(_) => select!("code = $5"),
            None => select!("CAST($5 AS TEXT) IS NULL"),
        };
        let page = query("dead_letter_list", sql)
            .bind(after.map_or(i64::MIN, |key| key.died_at.as_millisecond()))
            .bind(after.map_or(i64::MIN, |key| key.position))
            .bind(after.map_or("", |key| &*key.subscriber))
            .bind_opt(filter.subscriber.as_deref())
            .bind_opt(filter.code.as_deref())
            .bind_opt(filter.store.as_deref())
            .bind_opt(filter.topic.as_deref())
            .bind_opt(filter.retailer.as_deref())
            .bind_opt(filter.without_code.as_deref())
            .bind(i64::from(limit));
        self.fetch_all_as(page, dead_letter).await
    }

    async fn dead_letter_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<DeadLetter>, Error> {
        let get = query(
            "dead_letter_get",
            "SELECT * FROM dead_letters WHERE event_id = $1 AND subscriber = $2",
        )
        .bind(event_id)
        .bind(subscriber);
        self.fetch_optional_as(get, dead_letter).await
    }

    async fn dead_letter_count(&mut self) -> Result<u64, Error> {
        let count = query(
            "dead_letter_count",
            "SELECT COUNT(*) AS letters FROM dead_letters",
        );
        self.fetch_one(count).await?.int_as("letters")
    }

    async fn dead_letter_remove(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<DeadLetter>, Error> {
        let remove = query(
            "dead_letter_remove",
            "DELETE FROM dead_letters WHERE event_id = $1 AND subscriber = $2 RETURNING *",
        )
        .bind(event_id)
        .bind(subscriber);
        self.fetch_optional_as(remove, dead_letter).await
    }
}

fn dead_letter(row: &Row) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        group: row.text("consumer_group")?,
        subscriber: row.text("subscriber")?,
        lane: row.text("lane")?,
        event: event(row, "event_id")?,
        code: row.text("code")?,
        detail: row.text("detail")?,
        attempts: row.int_as("attempts")?,
        component: row.text("component")?,
        died_at: row.timestamp("died_ms")?,
    })
}
