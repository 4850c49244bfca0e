//! Parked events: list them, and retry one now.

use crate::core::{IdempotencyKey, Reply};
use crate::events::Acting;
use crate::events::Events;
use crate::parts::{Part, no_cursor, parts, together};
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::in_tx;
use galleria_ports::records::{
    OperationRow, ParkedCursor, ParkedEvent, ParkedFilter, ParkedState, Tx,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The query for parked events. An absent filter matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParkedListQuery {
    /// Of this retailer. It must be in reach.
    pub retailer: Option<String>,
    /// Of this store. It must be in reach.
    pub store: Option<String>,
    /// Of this slot.
    pub subscriber: Option<String>,
    /// With this cause.
    pub cause: Option<ParkedState>,
}

/// A parked event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParkedView {
    /// The event.
    pub event_id: String,
    /// The slot, by its name in `retailer.toml`, or a handler of the host.
    pub subscriber: String,
    /// The topic of the event.
    pub topic: String,
    /// The store's id, if it is known.
    pub store: Option<String>,
    /// The lane; later events of the same lane wait behind it.
    pub lane: String,
    /// `retry`: it waits for its next attempt. `waiting`: another event must take effect first.
    /// `behind`: an earlier event of its lane comes first. `held`: a dead letter keeps its lane closed.
    pub cause: String,
    /// The message of the cause.
    pub detail: String,
    /// The event that must take effect first.
    pub waits_for: Option<String>,
    /// Attempts made.
    pub attempts: u32,
    /// Time of the next attempt, RFC 3339, if earlier events of the lane are done; null if it has no
    /// time of its own.
    pub next_at: Option<String>,
    /// Time at which it was parked, RFC 3339.
    pub since: String,
}

/// A page of the list of parked events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParkedPage {
    /// Longest waiting first.
    pub parked: Vec<ParkedView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

impl Events {
    /// Parked events in reach. `after` is the `next` of the previous page.
    pub async fn parked_list(
        &self,
        query: ParkedListQuery,
        reach: &Reach,
        after: Option<&str>,
        limit: u32,
    ) -> Result<ParkedPage, Error> {
        let ParkedListQuery {
            retailer,
            store,
            subscriber,
            cause,
        } = query;
        let after = after.map(key_of).transpose()?;
        let filters = parts(reach, retailer, store).into_iter().map(|part| {
            let Part { retailer, store } = part;
            ParkedFilter {
                retailer,
                store,
                subscriber: subscriber.clone(),
                state: cause,
            }
        });
        let filters: Vec<_> = filters.collect();
        let rows = self.core.records.read(in_tx!(|tx, filters, after| {
            let mut rows = Vec::new();
            for filter in &filters {
                rows.append(&mut tx.parked_list(filter, after.as_ref(), limit + 1).await?);
            }
            Ok(rows)
        }));
        let (rows, more) = together(rows.await?, limit, key);
        let next = rows.last().filter(|_| more).map(|row| cursor(&key(row)));
        Ok(ParkedPage {
            parked: rows.into_iter().map(view).collect(),
            next,
        })
    }

    /// A parked event.
    pub async fn parked_event(&self, event: &str, subscriber: &str) -> Result<ParkedView, Error> {
        let names = (event.to_owned(), subscriber.to_owned());
        self.core
            .records
            .read(in_tx!(|tx, names| {
                let (event, subscriber) = names;
                found(tx, &event, &subscriber).await.map(view)
            }))
            .await
    }

    /// Makes a parked event due now. Earlier events of its lane still come first.
    pub async fn retry_parked(
        &self,
        key: IdempotencyKey,
        event: &str,
        subscriber: &str,
        acting: Acting,
    ) -> Result<Reply, Error> {
        acting.check()?;
        let names = (event.to_owned(), subscriber.to_owned());
        let now = self.core.clock.now();
        let reply = self
            .core
            .once(
                key,
                200,
                in_tx!(|tx, names, acting| {
                    let (event, subscriber) = names;
                    hasten(tx, &event, &subscriber, &acting, now).await
                }),
            )
            .await?;
        self.core.parked_woke.notify();
        Ok(reply)
    }
}

async fn hasten(
    tx: &mut dyn Tx,
    event: &str,
    subscriber: &str,
    acting: &Acting,
    now: Timestamp,
) -> Result<Value, Error> {
    let before = found(tx, event, subscriber).await?;
    if !tx.parked_make_due(event, subscriber, now).await? {
        // It may have been unparked since it was read.
        let state = found(tx, event, subscriber).await?.state;
        let why = match state {
            ParkedState::Blocking => "is a dead letter: replay or discard it",
            _ => "waits for earlier events of its lane: retry the first one",
        };
        return Err(Error::Conflict {
            code: "not_retryable",
            message: format!("{event} of {subscriber} {why}"),
        });
    }
    let after = found(tx, event, subscriber).await?;
    tx.operation_insert(&OperationRow {
        at: now,
        actor: acting.actor.clone(),
        action: "parked_retry".into(),
        subject: format!("{event} of {subscriber}"),
        reason: acting.reason.clone(),
        before: summary(&before).to_string(),
        after: summary(&after).to_string(),
    })
    .await?;
    serde_json::to_value(view(after))
        .map_err(|error| Error::Internal(format!("a parked event's view: {error}")))
}

async fn found(tx: &mut dyn Tx, event: &str, subscriber: &str) -> Result<ParkedEvent, Error> {
    let parked = tx.parked_get(event, subscriber).await?;
    parked.ok_or_else(|| unknown(event, subscriber))
}

pub(crate) fn unknown(event: &str, subscriber: &str) -> Error {
    Error::NotFound {
        what: "parked event",
        id: format!("{event} of {subscriber}"),
    }
}

/// The parked event in the operations log.
fn summary(parked: &ParkedEvent) -> Value {
    json!({
        "state": word(parked.state), "attempts": parked.attempts, "cause": parked.cause,
        "due_at": parked.due_at.to_string(),
    })
}

fn word(state: ParkedState) -> &'static str {
    match state {
        ParkedState::Retry => "retry",
        ParkedState::Waiting => "waiting",
        ParkedState::Behind => "behind",
        ParkedState::Blocking => "held",
    }
}

impl ParkedListQuery {
    /// Parses a cause. The error lists the causes.
    pub fn cause_of(text: &str) -> Result<ParkedState, String> {
        let all = ParkedState::ALL;
        let found = all.into_iter().find(|state| word(*state) == text);
        found.ok_or_else(|| format!("one of {}", all.map(word).join(", ")))
    }
}

fn view(parked: ParkedEvent) -> ParkedView {
    let own_time = matches!(parked.state, ParkedState::Retry | ParkedState::Waiting);
    ParkedView {
        event_id: parked.event.id,
        subscriber: parked.subscriber,
        topic: parked.event.topic,
        store: parked.event.store,
        lane: parked.lane,
        cause: word(parked.state).into(),
        detail: parked.cause,
        waits_for: parked.waits_for,
        attempts: parked.attempts,
        next_at: own_time.then(|| parked.due_at.to_string()),
        since: parked.since.to_string(),
    }
}

fn key(parked: &ParkedEvent) -> ParkedCursor {
    ParkedCursor {
        since: parked.since,
        position: parked.event.position,
        subscriber: parked.subscriber.clone(),
    }
}

/// The cursor after an event. Opaque to callers.
fn cursor(key: &ParkedCursor) -> String {
    let (since, position) = (key.since.as_millisecond(), key.position);
    format!("{since}.{position}.{}", key.subscriber)
}

fn key_of(cursor: &str) -> Result<ParkedCursor, Error> {
    let mut parts = cursor.splitn(3, '.');
    let mut number = || parts.next()?.parse::<i64>().ok();
    let read = number().zip(number()).and_then(|(since, position)| {
        Some(ParkedCursor {
            since: Timestamp::from_millisecond(since).ok()?,
            position,
            subscriber: parts.next()?.to_owned(),
        })
    });
    read.ok_or_else(no_cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_key() {
        let key = ParkedCursor {
            since: Timestamp::UNIX_EPOCH,
            position: 12,
            subscriber: "a.slot".into(),
        };
        assert_eq!(key_of(&cursor(&key)).expect("a cursor"), key);
        for bad in ["", "1", "1.2", "x.2.slot", "9223372036854775807.1.s"] {
            assert!(key_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cause_is_one_of_four() {
        for state in ParkedState::ALL {
            assert_eq!(ParkedListQuery::cause_of(word(state)), Ok(state));
        }
        let refused = ParkedListQuery::cause_of("lost");
        assert_eq!(
            refused,
            Err("one of retry, waiting, behind, held".to_owned())
        );
    }
}
