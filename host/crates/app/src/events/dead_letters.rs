//! Lists, replays and discards dead letters. Each change is recorded with its actor and reason in
//! the same transaction.

use crate::core::{IdempotencyKey, Reply};
use crate::events::{BROKER_REJECTED, Events};
use galleria_domain::Problem;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{
    DeadLetter, DeadLetterCursor, DeadLetterFilter, OperationRow, Outcome, ParkedEvent,
    ParkedState, Tx,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The decision of an operator about a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handle the event again, as if for the first time.
    Replay,
    /// Discard the event. Events behind it continue.
    Discard,
}

impl Verdict {
    fn action(self) -> &'static str {
        match self {
            Self::Replay => "dead_letter_replay",
            Self::Discard => "dead_letter_discard",
        }
    }
}

/// The actor and the reason of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Acting {
    /// The person for whom the caller acts; the caller itself if it is absent.
    #[serde(default)]
    pub actor: String,
    /// The reason, for the audit log.
    pub reason: String,
}

impl Acting {
    /// Checks that both texts are present and short enough for a list.
    pub fn check(&self) -> Result<(), Error> {
        let fields = [("actor", &self.actor, 200), ("reason", &self.reason, 1_000)];
        let wrong = fields.into_iter().filter(|(_, text, most)| {
            text.trim().is_empty() || text.chars().count() > *most || text.contains('\0')
        });
        let problems: Vec<_> = wrong
            .map(|(field, _, most)| Problem::new(field, format!("1 to {most} characters")))
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeadLetterView {
    /// The event.
    pub event_id: String,
    /// The slot, by its name in `retailer.toml`, a handler of the host, or the relay of a topic.
    pub subscriber: String,
    /// The topic of the event.
    pub topic: String,
    /// The store's id, if it is known.
    pub store: Option<String>,
    /// The lane. Later events of the lane wait if the retailer configured `hold`.
    pub lane: String,
    /// The code of the fault.
    pub code: String,
    /// The message of the fault.
    pub detail: String,
    /// Attempts made.
    pub attempts: u32,
    /// SHA-256 digest of the component that failed last; empty if no component was called.
    pub component: String,
    /// Time at which it became a dead letter, RFC 3339.
    pub died_at: String,
    /// The event's payload.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub data: Value,
}

/// A page of the list of dead letters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeadLetterPage {
    /// Oldest first.
    pub dead_letters: Vec<DeadLetterView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

impl Events {
    /// Dead letters that match a filter, oldest first. `after` is the `next` of the previous page.
    pub async fn dead_letters(
        &self,
        filter: DeadLetterFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<DeadLetterPage, Error> {
        let after = after.map(key_of).transpose()?;
        // One extra row shows whether there is a next page.
        let mut letters = self
            .core
            .records
            .read(in_tx!(|tx, filter, after| tx
                .dead_letter_list(&filter, after.as_ref(), limit + 1)
                .await))
            .await?;
        let page_size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = letters.len() > page_size;
        letters.truncate(page_size);
        Ok(DeadLetterPage {
            next: letters.last().filter(|_| more).map(cursor),
            dead_letters: letters.into_iter().map(view).collect(),
        })
    }

    /// One dead letter.
    pub async fn dead_letter(
        &self,
        event: &str,
        subscriber: &str,
    ) -> Result<DeadLetterView, Error> {
        let (event, subscriber) = (event.to_owned(), subscriber.to_owned());
        self.core
            .records
            .read(in_tx!(|tx, event, subscriber| {
                let letter = tx.dead_letter_get(&event, &subscriber).await?;
                letter.map(view).ok_or_else(|| unknown(&event, &subscriber))
            }))
            .await
    }

    /// Replays or discards a dead letter.
    pub async fn settle_dead_letter(
        &self,
        key: IdempotencyKey,
        event: &str,
        subscriber: &str,
        verdict: Verdict,
        acting: Acting,
    ) -> Result<Reply, Error> {
        acting.check()?;
        let now = self.core.clock.now();
        let (event, subscriber) = (event.to_owned(), subscriber.to_owned());
        let reply = self
            .core
            .once(
                key,
                200,
                in_tx!(|tx, event, subscriber, acting| {
                    let letter = tx.dead_letter_get(&event, &subscriber).await?;
                    let letter = letter.ok_or_else(|| unknown(&event, &subscriber))?;
                    if letter.code == BROKER_REJECTED {
                        return Err(rejected(&letter));
                    }
                    settle(tx, letter, verdict, &acting, now).await?;
                    Ok(json!({ "settled": 1, "more": false }))
                }),
            )
            .await?;
        self.core.parked_woke.notify();
        Ok(reply)
    }

    /// Replays or discards the oldest dead letters that match a filter. The response says whether
    /// there are more.
    pub async fn settle_dead_letters(
        &self,
        key: IdempotencyKey,
        mut filter: DeadLetterFilter,
        verdict: Verdict,
        acting: Acting,
    ) -> Result<Reply, Error> {
        /// Small enough that transactions of tills do not wait long for this one.
        const AT_ONCE: u32 = 200;
        acting.check()?;
        // The relay repeats these itself.
        filter.without_code = Some(BROKER_REJECTED.into());
        let now = self.core.clock.now();
        let reply = self
            .core
            .once(
                key,
                200,
                in_tx!(|tx, filter, acting| {
                    let letters = tx.dead_letter_list(&filter, None, AT_ONCE + 1).await?;
                    let more = letters.len() > AT_ONCE as usize;
                    let mut settled = 0;
                    for letter in letters.into_iter().take(AT_ONCE as usize) {
                        settle(tx, letter, verdict, &acting, now).await?;
                        settled += 1;
                    }
                    Ok(json!({ "settled": settled, "more": more }))
                }),
            )
            .await?;
        self.core.parked_woke.notify();
        Ok(reply)
    }
}

pub(crate) fn unknown(event: &str, subscriber: &str) -> Error {
    Error::NotFound {
        what: "dead letter",
        id: format!("{event} of {subscriber}"),
    }
}

fn rejected(letter: &DeadLetter) -> Error {
    Error::Conflict {
        code: "not_retryable",
        message: format!(
            "the relay sends event {} to topic {} again by itself, and removes this dead letter when the broker \
             accepts it: correct what the broker rejects: {}",
            letter.event.id, letter.event.topic, letter.detail
        ),
    }
}

async fn settle(
    tx: &mut dyn Tx,
    letter: DeadLetter,
    verdict: Verdict,
    acting: &Acting,
    now: Timestamp,
) -> Result<(), Error> {
    let (event_id, subscriber) = (letter.event.id.clone(), letter.subscriber.clone());
    if let Some(order_id) = letter.event.text("order_id") {
        let paid = super::prepare::paid(order_id);
        super::prepare::take_turn(tx, &paid).await?;
    }
    tx.dead_letter_remove(&event_id, &subscriber).await?;
    let before =
        json!({ "code": letter.code, "detail": letter.detail, "attempts": letter.attempts });
    let after = match verdict {
        Verdict::Replay => "parked",
        Verdict::Discard => "discarded",
    };
    tx.operation_insert(&OperationRow {
        at: now,
        actor: acting.actor.clone(),
        action: verdict.action().into(),
        subject: format!("{event_id} of {subscriber}"),
        reason: acting.reason.clone(),
        before: before.to_string(),
        after: json!({ "state": after }).to_string(),
    })
    .await?;
    match verdict {
        Verdict::Replay => {
            tx.parked_put(&ParkedEvent {
                group: letter.group,
                subscriber: letter.subscriber,
                lane: letter.lane,
                event: letter.event,
                state: ParkedState::Retry,
                attempts: 0,
                due_at: now,
                since: now,
                waits_for: None,
                cause: "replayed by an operator".into(),
            })
            .await
        }
        Verdict::Discard => {
            tx.effect_claim(&event_id, &subscriber, Outcome::Discarded, now)
                .await?;
            tx.parked_remove(&event_id, &subscriber).await?;
            if let Some(order_id) = letter.event.text("order_id") {
                tx.parked_wake(&super::prepare::paid(order_id), &subscriber, now)
                    .await?;
            }
            Ok(())
        }
    }
}

fn view(letter: DeadLetter) -> DeadLetterView {
    DeadLetterView {
        event_id: letter.event.id,
        subscriber: letter.subscriber,
        topic: letter.event.topic,
        store: letter.event.store,
        lane: letter.lane,
        code: letter.code,
        detail: letter.detail,
        attempts: letter.attempts,
        component: letter.component,
        died_at: letter.died_at.to_string(),
        data: letter.event.data,
    }
}

/// The cursor after a dead letter. Opaque to callers.
fn cursor(letter: &DeadLetter) -> String {
    let (at, position) = (letter.died_at.as_millisecond(), letter.event.position);
    format!("{at}.{position}.{}", letter.subscriber)
}

fn key_of(cursor: &str) -> Result<DeadLetterCursor, Error> {
    let mut parts = cursor.splitn(3, '.');
    let mut number = || parts.next()?.parse::<i64>().ok();
    let read = number().zip(number()).and_then(|(at, position)| {
        Some(DeadLetterCursor {
            died_at: Timestamp::from_millisecond(at).ok()?,
            position,
            subscriber: parts.next()?.to_owned(),
        })
    });
    read.ok_or_else(|| Error::invalid("after", "must be the `next` of the previous page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_key() {
        let key = key_of("1700000000000.12.a.slot").expect("a cursor");
        assert_eq!((key.position, key.subscriber.as_str()), (12, "a.slot"));
        assert_eq!(key.died_at.as_millisecond(), 1_700_000_000_000);
        for bad in ["", "1", "1.2", "x.2.slot", "9223372036854775807.1.s"] {
            assert!(key_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn whoever_acts_says_why() {
        let acting = |actor: &str, reason: &str| Acting {
            actor: actor.into(),
            reason: reason.into(),
        };
        assert!(acting("ana", "the tax table was mended").check().is_ok());
        for bad in [
            acting("", "x"),
            acting("ana", " "),
            acting("ana", &"x".repeat(1_001)),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
