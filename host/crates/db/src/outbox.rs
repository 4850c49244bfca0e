//! The outbox, read as a log.
//!
//! Owns: positions become visible in order. A position comes from the single row of `log_head`, which
//! stays locked until the transaction ends. So each appending transaction waits for the one before it:
//! append last, right before the work ends.

use crate::query::{Query, Row, query};
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_domain::trace::Origin;
use galleria_domain::{Event, NewEvent, Position};
use galleria_ports::Error;
use galleria_ports::records::Outbox;
use galleria_ports::trace;
use jiff::Timestamp;

#[async_trait]
impl Outbox for Transaction<'_> {
    async fn event_append(&mut self, event: &NewEvent, at: Timestamp) -> Result<(), Error> {
        let take = query(
            "event_append",
            "UPDATE log_head SET last = last + 1 WHERE id = 1 RETURNING last",
        );
        let position = self.fetch_one(take).await?.int("last")?;
        let insert = query(
            "event_append",
            "INSERT INTO outbox (position, id, topic, event_key, store_id, data, created_ms,
                 traceparent, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(position)
        .bind(&*event.id)
        .bind(&*event.topic)
        .bind_opt(event.key.as_deref())
        .bind_opt(event.store.as_deref())
        .bind(event.data.as_str())
        .bind_timestamp(at);
        let insert = bind_origin(insert, &trace::current());
        inserted(self.execute(insert).await?, "event", &event.id)
    }

    async fn event_list(
        &mut self,
        topics: &[String],
        after: Position,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        // Topic by topic along the index, so that a group of rare topics never reads all others.
        for topic in topics {
            let page = query(
                "event_list",
                "SELECT * FROM outbox WHERE topic = $1 AND position > $2
                 ORDER BY position LIMIT $3",
            )
            .bind(&**topic)
            .bind(after)
            .bind(i64::from(limit));
            for row in self.fetch_all(page).await? {
                events.push(event(&row, "id")?);
            }
        }
        events.sort_by_key(|event| event.position);
        // A topic may be listed twice.
        events.dedup_by_key(|event| event.position);
        events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(events)
    }

    async fn event_get(&mut self, id: &str) -> Result<Option<Event>, Error> {
        let get = query("event_get", "SELECT * FROM outbox WHERE id = $1").bind(id);
        self.fetch_optional_as(get, |row| event(row, "id")).await
    }
}

/// Reads the event of a row of `outbox`, `parked` or `dead_letters`. `id` is the column of its id.
pub(crate) fn event(row: &Row, id: &str) -> Result<Event, Error> {
    Ok(Event {
        position: row.int("position")?,
        id: row.text(id)?,
        topic: row.text("topic")?,
        key: row.opt_text("event_key")?,
        store: row.opt_text("store_id")?,
        data: row.json("data")?,
        server_timestamp: row.int("created_ms")?,
        origin: Origin {
            // An invalid traceparent only loses the trace, not the event.
            trace: row
                .opt_text("traceparent")?
                .and_then(|text| text.parse().ok()),
            request: row.opt_text("request_id")?.map(Into::into),
        },
    })
}

/// Binds `traceparent` and `request_id`, which are the last columns of an insert.
pub(crate) fn bind_origin<'q>(query: Query<'q>, origin: &Origin) -> Query<'q> {
    query
        .bind_opt(origin.trace.map(|trace| trace.to_string()).as_deref())
        .bind_opt(origin.request.as_deref())
}
