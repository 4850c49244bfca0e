//! The outbox, read as a log.
//!
//! Owns: that positions become visible in order. A position is taken from the one row of
//! `log_head`, which stays locked until the transaction ends, so every transaction that appends
//! waits for the one before it: append last, right before the work is done.

use crate::statement::{Found, Statement, statement};
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_app::records::Outbox;
use galleria_app::{Error, trace};
use galleria_domain::trace::Origin;
use galleria_domain::{Event, NewEvent, Position};
use jiff::Timestamp;

#[async_trait]
impl Outbox for Transaction<'_> {
    async fn event_append(&mut self, event: &NewEvent, at: Timestamp) -> Result<(), Error> {
        let take = statement(
            "event_append",
            "UPDATE log_head SET last = last + 1 WHERE id = 1 RETURNING last",
        );
        let position = self.only(take).await?.int("last")?;
        let insert = statement(
            "event_append",
            "INSERT INTO outbox (position, id, topic, event_key, store_id, data, created_ms,
                 traceparent, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(position)
        .bind(&*event.id)
        .bind(&*event.topic)
        .maybe(event.key.as_deref())
        .maybe(event.store.as_deref())
        .json(&event.data)
        .at(at);
        let insert = caused_by(insert, &trace::current());
        inserted(self.execute(insert).await?, "event", &event.id)
    }

    async fn event_page(
        &mut self,
        topics: &[String],
        after: Position,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        // Topic by topic along the index: a group of rare topics never reads past all the others.
        for topic in topics {
            let page = statement(
                "event_page",
                "SELECT * FROM outbox WHERE topic = $1 AND position > $2
                 ORDER BY position LIMIT $3",
            )
            .bind(&**topic)
            .bind(after)
            .bind(i64::from(limit));
            for found in self.all(page).await? {
                events.push(event(&found, "id")?);
            }
        }
        events.sort_by_key(|event| event.position);
        // A topic named twice is read once.
        events.dedup_by_key(|event| event.position);
        events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(events)
    }

    async fn event_get(&mut self, id: &str) -> Result<Option<Event>, Error> {
        let get = statement("event_get", "SELECT * FROM outbox WHERE id = $1").bind(id);
        self.row(get, |found| event(found, "id")).await
    }

    async fn event_topics(&mut self) -> Result<Vec<String>, Error> {
        // From one topic to the next along the index: a few steps, however long the log is.
        let topics = statement(
            "event_topics",
            "WITH RECURSIVE steps(topic) AS (
                 SELECT MIN(topic) FROM outbox
                 UNION ALL
                 SELECT (SELECT MIN(o.topic) FROM outbox o WHERE o.topic > steps.topic) FROM steps
                 WHERE steps.topic IS NOT NULL
             )
             SELECT topic FROM steps WHERE topic IS NOT NULL",
        );
        let found = self.all(topics).await?;
        found.iter().map(|row| row.text("topic")).collect()
    }
}

/// The event in a row of `outbox`, `parked` or `dead_letters`.
pub(crate) fn event(found: &Found, id: &str) -> Result<Event, Error> {
    Ok(Event {
        position: found.int("position")?,
        id: found.text(id)?,
        topic: found.text("topic")?,
        key: found.maybe("event_key")?,
        store: found.maybe("store_id")?,
        data: found.json("data")?,
        server_timestamp: found.int("created_ms")?,
        origin: Origin {
            // A text that is none came from nowhere: it costs the trace, not the event.
            trace: found
                .maybe("traceparent")?
                .and_then(|text| text.parse().ok()),
            request: found.maybe("request_id")?.map(Into::into),
        },
    })
}

/// Binds `traceparent` and `request_id`, which are a row's last columns.
pub(crate) fn caused_by<'q>(statement: Statement<'q>, origin: &Origin) -> Statement<'q> {
    statement
        .maybe(origin.trace.map(|trace| trace.to_string()).as_deref())
        .maybe(origin.request.as_deref())
}
