//! The outbox, read as a log.
//!
//! Owns: positions become visible in order. A position comes from the single row of `log_head`, which
//! stays locked until the transaction ends. So each appending transaction waits for the one before it:
//! append last, right before the work ends.

use crate::placeholders::{self, CHUNK};
use crate::query::{Query, Row, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::trace::Origin;
use galleria_domain::{Event, NewEvent, Position, Store};
use galleria_ports::Error;
use galleria_ports::records::Outbox;
use galleria_ports::trace;
use jiff::Timestamp;

#[async_trait]
impl Outbox for Transaction<'_> {
    async fn event_append(&mut self, event: &NewEvent, at: Timestamp) -> Result<(), Error> {
        self.event_append_many(std::slice::from_ref(event), at)
            .await
    }

    async fn event_append_many(&mut self, events: &[NewEvent], at: Timestamp) -> Result<(), Error> {
        for chunk in events.chunks(CHUNK) {
            let append = match self.is_postgres() {
                true => take_and_append(chunk, at),
                false => {
                    let count = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
                    let take = query(
                        "event_append",
                        "UPDATE log_head SET last = last + $1 WHERE id = 1 RETURNING last",
                    );
                    let last = self.fetch_one(take.bind(count)).await?.int("last")?;
                    append(chunk, at, last - count)
                }
            };
            let ids = chunk.iter().map(|event| &*event.id);
            placeholders::insert_all(self, append, "event", ids).await?;
        }
        Ok(())
    }

    async fn event_list(
        &mut self,
        topics: &[String],
        after: Position,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let topics: Vec<_> = topics.iter().map(|topic| (topic.clone(), after)).collect();
        let events = self.event_list_next(&topics, limit).await?;
        let mut events: Vec<Event> = events.into_iter().map(|(event, _)| event).collect();
        // A topic may be listed twice.
        events.dedup_by_key(|event| event.position);
        events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(events)
    }

    async fn event_list_next(
        &mut self,
        topics: &[(String, Position)],
        limit: u32,
    ) -> Result<Vec<(Event, Option<Store>)>, Error> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        // Topic by topic along the index, so that a group of rare topics never reads all others.
        let pages: Vec<String> = (0..topics.len())
            .map(|index| {
                let (topic, after) = (index * 2 + 2, index * 2 + 3);
                format!(
                    "SELECT * FROM (SELECT o.*, (SELECT s.body FROM stores s WHERE s.id = o.store_id) AS store
                     FROM outbox o WHERE o.topic = ${topic} AND o.position > ${after}
                     ORDER BY o.position LIMIT $1) few"
                )
            })
            .collect();
        let list = query("event_list", pages.join(" UNION ALL "));
        let list = topics
            .iter()
            .fold(list.bind(i64::from(limit)), |list, (topic, after)| {
                list.bind(&**topic).bind(*after)
            });
        let with_store = |row: &Row| Ok((event(row, "id")?, row.opt_json("store")?));
        let mut events = self.fetch_all_as(list, with_store).await?;
        events.sort_by_key(|(event, _)| event.position);
        Ok(events)
    }

    async fn event_get(&mut self, id: &str) -> Result<Option<Event>, Error> {
        let get = query("event_get", "SELECT * FROM outbox WHERE id = $1").bind(id);
        self.fetch_optional_as(get, |row| event(row, "id")).await
    }
}

/// Appends events after a position that the transaction has taken.
fn append(events: &[NewEvent], at: Timestamp, after: Position) -> Query<'_> {
    let head = "INSERT INTO outbox (position, id, topic, event_key, store_id, data, created_ms, traceparent,
        request_id)";
    let (origin, mut position) = (trace::current(), after);
    let sql = (head, 9, "ON CONFLICT (id) DO NOTHING RETURNING id");
    placeholders::insert("event_append", sql, events, move |append, event| {
        position += 1;
        let append = bind_event(append.bind(position), event).bind_timestamp(at);
        bind_origin(append, &origin)
    })
}

/// Takes positions and appends events in one statement, which only PostgreSQL supports.
fn take_and_append(events: &[NewEvent], at: Timestamp) -> Query<'_> {
    let rows: Vec<String> = (0..events.len())
        .map(|index| format!("({}, {})", index + 1, placeholders::list(4 + index * 5, 5)))
        .collect();
    let count = events.len();
    let sql = format!(
        "WITH head AS (UPDATE log_head SET last = last + {count} WHERE id = 1 RETURNING last)
         INSERT INTO outbox (position, id, topic, event_key, store_id, data, created_ms, traceparent,
             request_id)
         SELECT head.last - {count} + e.number, e.id, e.topic, e.event_key, e.store_id, e.data,
             CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT)
         FROM head, (VALUES {}) e (number, id, topic, event_key, store_id, data)
         ON CONFLICT (id) DO NOTHING RETURNING id",
        rows.join(", ")
    );
    let append = query("event_append", sql).bind_timestamp(at);
    let append = bind_origin(append, &trace::current());
    events.iter().fold(append, bind_event)
}

fn bind_event<'q>(query: Query<'q>, event: &'q NewEvent) -> Query<'q> {
    query
        .bind(&*event.id)
        .bind(&*event.topic)
        .bind_opt(event.key.as_deref())
        .bind_opt(event.store.as_deref())
        .bind(event.data.as_str())
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
        .bind(origin.trace.map(|trace| trace.to_string()))
        .bind(origin.request.as_deref().map(str::to_owned))
}
