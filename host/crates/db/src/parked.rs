//! Parked events: they wait outside the log.
//!
//! Owns the choice of the events that may be tried: only the first event of a lane, by position in
//! the log. `parked_due` runs many times a second while a hundred thousand rows may wait. So it reads
//! one index, `parked_by_ready`, which contains only the ready events. `ready_ms` is
//!
//! - never, for an event behind another one of its lane, and for a held event;
//! - the due time, for the first event of a lane in state `retry` or `waiting`;
//! - 0, for the first event of a lane in state `behind`.
//!
//! Each change of a lane maintains `ready_ms`. On PostgreSQL it locks the lane until the transaction
//! ends: otherwise two concurrent changes could both miss the next event. A `ready_ms` that is too
//! early, as after an event was parked before the first one, is harmless, because `parked_due` checks
//! for earlier events. One that is too late would close the lane forever.

use crate::outbox::{bind_origin, event};
use crate::query::{Row, SqlEnum, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{ParkedEvent, ParkedEvents, ParkedState};
use jiff::Timestamp;

/// `ready_ms` of an event that may not be tried.
const NEVER: i64 = i64::MAX;
/// `ready_ms` of an event that may be tried immediately.
const IMMEDIATELY: i64 = 0;

impl SqlEnum for ParkedState {
    const ALL: &'static [Self] = &[Self::Retry, Self::Waiting, Self::Behind, Self::Blocking];

    fn as_sql(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Waiting => "waiting",
            Self::Behind => "behind",
            Self::Blocking => "held",
        }
    }
}

#[async_trait]
impl ParkedEvents for Transaction<'_> {
    async fn parked_put(&mut self, parked: &ParkedEvent) -> Result<(), Error> {
        lock_lane(self, parked).await?;
        leave_previous_lane(self, parked).await?;
        let ready = match parked.state {
            ParkedState::Blocking => NEVER,
            _ if has_earlier_event(self, parked).await? => NEVER,
            ParkedState::Retry | ParkedState::Waiting => parked.due_at.as_millisecond(),
            ParkedState::Behind => IMMEDIATELY,
        };
        let event = &parked.event;
        let put = query(
            "parked_put",
            "INSERT INTO parked (event_id, subscriber, consumer_group, lane, position, topic, event_key,
                 store_id, data, created_ms, state, attempts, due_ms, ready_ms, since_ms, waits_for,
                 cause, traceparent, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19)
             ON CONFLICT (event_id, subscriber) DO UPDATE SET
                 consumer_group = excluded.consumer_group, lane = excluded.lane,
                 position = excluded.position, topic = excluded.topic, event_key = excluded.event_key,
                 store_id = excluded.store_id, data = excluded.data, created_ms = excluded.created_ms,
                 state = excluded.state, attempts = excluded.attempts, due_ms = excluded.due_ms,
                 ready_ms = excluded.ready_ms, since_ms = excluded.since_ms,
                 waits_for = excluded.waits_for, cause = excluded.cause,
                 traceparent = excluded.traceparent, request_id = excluded.request_id",
        )
        .bind(&*event.id)
        .bind(&*parked.subscriber)
        .bind(&*parked.group)
        .bind(&*parked.lane)
        .bind(event.position)
        .bind(&*event.topic)
        .bind_opt(event.key.as_deref())
        .bind_opt(event.store.as_deref())
        .bind_json(&event.data)
        .bind(event.server_timestamp)
        .bind_enum(parked.state)
        .bind(i64::from(parked.attempts))
        .bind_timestamp(parked.due_at)
        .bind(ready)
        .bind_timestamp(parked.since)
        .bind_opt(parked.waits_for.as_deref())
        .bind(&*parked.cause);
        let put = bind_origin(put, &event.origin);
        self.execute_later(put).await
    }

    async fn parked_remove(&mut self, event_id: &str, subscriber: &str) -> Result<(), Error> {
        lock_lane_of(self, event_id, subscriber).await?;
        let remove = query(
            "parked_remove",
            "DELETE FROM parked WHERE event_id = $1 AND subscriber = $2
             RETURNING consumer_group, lane",
        )
        .bind(event_id)
        .bind(subscriber);
        match self.fetch_optional(remove).await? {
            Some(removed) => make_next_ready(self, &removed, subscriber).await,
            None => Ok(()),
        }
    }

    async fn parked_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<ParkedEvent>, Error> {
        let get = query(
            "parked_get",
            "SELECT * FROM parked WHERE event_id = $1 AND subscriber = $2",
        )
        .bind(event_id)
        .bind(subscriber);
        self.fetch_optional_as(get, parked_row).await
    }

    async fn parked_due(
        &mut self,
        group: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ParkedEvent>, Error> {
        let due = query(
            "parked_due",
            "SELECT * FROM parked p
             WHERE p.consumer_group = $1 AND p.ready_ms <= $2
               AND NOT EXISTS (SELECT 1 FROM parked first
                               WHERE first.consumer_group = p.consumer_group
                                 AND first.subscriber = p.subscriber AND first.lane = p.lane
                                 AND first.position < p.position)
             ORDER BY p.ready_ms, p.position
             LIMIT $3",
        )
        .bind(group)
        .bind_timestamp(now)
        .bind(i64::from(limit));
        self.fetch_all_as(due, parked_row).await
    }

    async fn parked_lane_list(&mut self, group: &str) -> Result<Vec<(String, String)>, Error> {
        let lanes = query(
            "parked_lane_list",
            "SELECT DISTINCT subscriber, lane FROM parked WHERE consumer_group = $1",
        )
        .bind(group);
        let rows = self.fetch_all(lanes).await?;
        let lane = |row: &Row| Ok((row.text("subscriber")?, row.text("lane")?));
        rows.iter().map(lane).collect()
    }

    async fn parked_in_lane(
        &mut self,
        group: &str,
        subscriber: &str,
        lane: &str,
    ) -> Result<bool, Error> {
        let count = query(
            "parked_in_lane",
            "SELECT CASE WHEN EXISTS
                 (SELECT 1 FROM parked WHERE consumer_group = $1 AND subscriber = $2 AND lane = $3)
             THEN 1 ELSE 0 END AS waiting",
        )
        .bind(group)
        .bind(subscriber)
        .bind(lane);
        self.fetch_one(count).await?.bool("waiting")
    }

    async fn parked_wake(
        &mut self,
        waits_for: &str,
        subscriber: &str,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let wake = query(
            "parked_wake",
            "UPDATE parked
             SET due_ms = $1, ready_ms = CASE WHEN ready_ms = $2 THEN ready_ms ELSE $1 END
             WHERE waits_for = $3 AND subscriber = $4 AND state = 'waiting'",
        )
        .bind_timestamp(now)
        .bind(NEVER)
        .bind(waits_for)
        .bind(subscriber);
        self.execute(wake).await
    }

    async fn parked_wake_all(&mut self, waits_for: &str, now: Timestamp) -> Result<u64, Error> {
        let wake = query(
            "parked_wake_all",
            "UPDATE parked
             SET due_ms = $1, ready_ms = CASE WHEN ready_ms = $2 THEN ready_ms ELSE $1 END
             WHERE waits_for = $3 AND state = 'waiting'",
        )
        .bind_timestamp(now)
        .bind(NEVER)
        .bind(waits_for);
        self.execute(wake).await
    }

    async fn parked_count(&mut self) -> Result<(u64, u64), Error> {
        let count = query(
            "parked_count",
            "SELECT (SELECT COUNT(*) FROM parked) AS everything,
                 (SELECT COUNT(*) FROM parked WHERE state = 'held') AS held",
        );
        let row = self.fetch_one(count).await?;
        Ok((row.int_as("everything")?, row.int_as("held")?))
    }
}

/// Locks a lane until the transaction ends. SQLite has one writer and needs no lock.
async fn lock_lane(tx: &mut Transaction<'_>, parked: &ParkedEvent) -> Result<(), Error> {
    if !tx.locks() {
        return Ok(());
    }
    let lock = query(
        "parked_put",
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2 || ' ' || $3, 0))",
    )
    .bind(&*parked.group)
    .bind(&*parked.subscriber)
    .bind(&*parked.lane);
    tx.execute_later(lock).await
}

/// Locks the lane of a parked event.
async fn lock_lane_of(
    tx: &mut Transaction<'_>,
    event_id: &str,
    subscriber: &str,
) -> Result<(), Error> {
    if !tx.locks() {
        return Ok(());
    }
    let lock = query(
        "parked_remove",
        "SELECT pg_advisory_xact_lock(
             hashtextextended(consumer_group || ' ' || subscriber || ' ' || lane, 0))
         FROM parked WHERE event_id = $1 AND subscriber = $2",
    )
    .bind(event_id)
    .bind(subscriber);
    tx.execute_later(lock).await
}

/// Removes the event from its previous lane, if a new configuration has moved it, and makes the next
/// event of that lane ready.
async fn leave_previous_lane(tx: &mut Transaction<'_>, parked: &ParkedEvent) -> Result<(), Error> {
    let leave = query(
        "parked_put",
        "DELETE FROM parked WHERE event_id = $1 AND subscriber = $2
           AND (consumer_group <> $3 OR lane <> $4 OR position <> $5)
         RETURNING consumer_group, lane",
    )
    .bind(&*parked.event.id)
    .bind(&*parked.subscriber)
    .bind(&*parked.group)
    .bind(&*parked.lane)
    .bind(parked.event.position);
    match tx.fetch_optional(leave).await? {
        Some(removed) => make_next_ready(tx, &removed, &parked.subscriber).await,
        None => Ok(()),
    }
}

async fn has_earlier_event(tx: &mut Transaction<'_>, parked: &ParkedEvent) -> Result<bool, Error> {
    let before = query(
        "parked_put",
        "SELECT position FROM parked
         WHERE consumer_group = $1 AND subscriber = $2 AND lane = $3 AND position < $4
         ORDER BY position LIMIT 1",
    )
    .bind(&*parked.group)
    .bind(&*parked.subscriber)
    .bind(&*parked.lane)
    .bind(parked.event.position);
    Ok(tx.fetch_optional(before).await?.is_some())
}

/// Makes the first event ready in the lane that `removed` has left.
async fn make_next_ready(
    tx: &mut Transaction<'_>,
    removed: &Row,
    subscriber: &str,
) -> Result<(), Error> {
    let next = query(
        "parked_remove",
        "UPDATE parked
         SET ready_ms = CASE state WHEN 'behind' THEN $1 WHEN 'held' THEN $2 ELSE due_ms END
         WHERE consumer_group = $3 AND subscriber = $4 AND lane = $5
           AND position = (SELECT MIN(first.position) FROM parked first
                           WHERE first.consumer_group = $3 AND first.subscriber = $4
                             AND first.lane = $5)",
    )
    .bind(IMMEDIATELY)
    .bind(NEVER)
    .bind(removed.text("consumer_group")?)
    .bind(subscriber)
    .bind(removed.text("lane")?);
    tx.execute_later(next).await
}

pub(crate) fn parked_row(row: &Row) -> Result<ParkedEvent, Error> {
    Ok(ParkedEvent {
        group: row.text("consumer_group")?,
        subscriber: row.text("subscriber")?,
        lane: row.text("lane")?,
        event: event(row, "event_id")?,
        state: row.enum_value("state")?,
        attempts: row.int_as("attempts")?,
        due_at: row.timestamp("due_ms")?,
        since: row.timestamp("since_ms")?,
        waits_for: row.opt_text("waits_for")?,
        cause: row.text("cause")?,
    })
}
