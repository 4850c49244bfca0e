//! Events that wait outside the log.
//!
//! Owns: which event of a lane may be tried. The first of each lane decides, by position in the
//! log; `parked_due` is asked many times a second while a hundred thousand rows may wait, so it
//! reads along one index, `parked_by_ready`, and finds there only what is ready now. `ready_ms` is
//!
//! - of every event that has another before it, and of one that is held: never;
//! - of the first in retry, or waiting for its cause: when it is due;
//! - of the first that was behind another: 0.
//!
//! Whoever puts an event into a lane or takes one out keeps that true, and on PostgreSQL locks the
//! lane until the transaction ends: two at a time could each leave the next event to the other.
//! Being ready too early, as after an event was put in front of a lane, does no harm, because
//! `parked_due` looks again; being ready too late would close the lane for ever.

use crate::outbox::{caused_by, event};
use crate::statement::{Found, Word, statement};
use crate::transaction::Transaction;
use galleria_app::Error;
use galleria_app::records::{Parked, ParkedState};
use jiff::Timestamp;

/// Nobody's turn.
const NEVER: i64 = i64::MAX;
/// Long since.
const AT_ONCE: i64 = 0;

impl Word for ParkedState {
    const ALL: &'static [Self] = &[Self::Retry, Self::Waiting, Self::Behind, Self::Held];

    fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Waiting => "waiting",
            Self::Behind => "behind",
            Self::Held => "held",
        }
    }
}

pub(crate) async fn put(tx: &mut Transaction<'_>, parked: &Parked) -> Result<(), Error> {
    lock_lane(tx, parked).await?;
    leave_other_lane(tx, parked).await?;
    let ready = match parked.state {
        ParkedState::Held => NEVER,
        _ if something_before(tx, parked).await? => NEVER,
        ParkedState::Retry | ParkedState::Waiting => parked.due_at.as_millisecond(),
        ParkedState::Behind => AT_ONCE,
    };
    let event = &parked.event;
    let put = statement(
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
    .maybe(event.key.as_deref())
    .maybe(event.store.as_deref())
    .json(&event.data)
    .bind(event.server_timestamp)
    .word(parked.state)
    .bind(i64::from(parked.attempts))
    .at(parked.due_at)
    .bind(ready)
    .at(parked.since)
    .maybe(parked.waits_for.as_deref())
    .bind(&*parked.cause);
    let put = caused_by(put, &event.origin);
    tx.execute(put).await.map(drop)
}

/// Keeps other transactions out of the lane. SQLite has one writer, and no locks.
async fn lock_lane(tx: &mut Transaction<'_>, parked: &Parked) -> Result<(), Error> {
    if !tx.locks() {
        return Ok(());
    }
    let lock = statement(
        "parked_put",
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2 || ' ' || $3, 0))",
    )
    .bind(&*parked.group)
    .bind(&*parked.subscriber)
    .bind(&*parked.lane);
    tx.execute(lock).await.map(drop)
}

/// The same for the lane that an event is parked in.
async fn lock_lane_of(
    tx: &mut Transaction<'_>,
    event_id: &str,
    subscriber: &str,
) -> Result<(), Error> {
    if !tx.locks() {
        return Ok(());
    }
    let lock = statement(
        "parked_remove",
        "SELECT pg_advisory_xact_lock(
             hashtextextended(consumer_group || ' ' || subscriber || ' ' || lane, 0))
         FROM parked WHERE event_id = $1 AND subscriber = $2",
    )
    .bind(event_id)
    .bind(subscriber);
    tx.execute(lock).await.map(drop)
}

/// An event whose lane has changed, as a new configuration may have it, leaves the old one to the
/// next there.
async fn leave_other_lane(tx: &mut Transaction<'_>, parked: &Parked) -> Result<(), Error> {
    let leave = statement(
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
    match tx.one(leave).await? {
        Some(left) => next_of_lane(tx, &left, &parked.subscriber).await,
        None => Ok(()),
    }
}

async fn something_before(tx: &mut Transaction<'_>, parked: &Parked) -> Result<bool, Error> {
    let before = statement(
        "parked_put",
        "SELECT position FROM parked
         WHERE consumer_group = $1 AND subscriber = $2 AND lane = $3 AND position < $4
         ORDER BY position LIMIT 1",
    )
    .bind(&*parked.group)
    .bind(&*parked.subscriber)
    .bind(&*parked.lane)
    .bind(parked.event.position);
    Ok(tx.one(before).await?.is_some())
}

pub(crate) async fn remove(
    tx: &mut Transaction<'_>,
    event_id: &str,
    subscriber: &str,
) -> Result<(), Error> {
    lock_lane_of(tx, event_id, subscriber).await?;
    let remove = statement(
        "parked_remove",
        "DELETE FROM parked WHERE event_id = $1 AND subscriber = $2
         RETURNING consumer_group, lane",
    )
    .bind(event_id)
    .bind(subscriber);
    match tx.one(remove).await? {
        Some(gone) => next_of_lane(tx, &gone, subscriber).await,
        None => Ok(()),
    }
}

/// The lane that `gone` has left: who is first there now has its turn.
async fn next_of_lane(
    tx: &mut Transaction<'_>,
    gone: &Found,
    subscriber: &str,
) -> Result<(), Error> {
    let next = statement(
        "parked_remove",
        "UPDATE parked
         SET ready_ms = CASE state WHEN 'behind' THEN $1 WHEN 'held' THEN $2 ELSE due_ms END
         WHERE consumer_group = $3 AND subscriber = $4 AND lane = $5
           AND position = (SELECT MIN(first.position) FROM parked first
                           WHERE first.consumer_group = $3 AND first.subscriber = $4
                             AND first.lane = $5)",
    )
    .bind(AT_ONCE)
    .bind(NEVER)
    .bind(gone.text("consumer_group")?)
    .bind(subscriber)
    .bind(gone.text("lane")?);
    tx.execute(next).await.map(drop)
}

pub(crate) async fn due(
    tx: &mut Transaction<'_>,
    group: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Parked>, Error> {
    let due = statement(
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
    .at(now)
    .bind(i64::from(limit));
    tx.all(due).await?.iter().map(row).collect()
}

pub(crate) async fn wake(
    tx: &mut Transaction<'_>,
    waits_for: &str,
    subscriber: &str,
    now: Timestamp,
) -> Result<u64, Error> {
    let wake = statement(
        "parked_wake",
        "UPDATE parked
         SET due_ms = $1, ready_ms = CASE WHEN ready_ms = $2 THEN ready_ms ELSE $1 END
         WHERE waits_for = $3 AND subscriber = $4 AND state = 'waiting'",
    )
    .at(now)
    .bind(NEVER)
    .bind(waits_for)
    .bind(subscriber);
    tx.execute(wake).await
}

pub(crate) fn row(found: &Found) -> Result<Parked, Error> {
    Ok(Parked {
        group: found.text("consumer_group")?,
        subscriber: found.text("subscriber")?,
        lane: found.text("lane")?,
        event: event(found, "event_id")?,
        state: found.word("state")?,
        attempts: found.narrow("attempts")?,
        due_at: found.at("due_ms")?,
        since: found.at("since_ms")?,
        waits_for: found.maybe("waits_for")?,
        cause: found.text("cause")?,
    })
}
