//! Selects what is relayed from the log to a broker, and the position of each relay.
//!
//! Each topic has its own relay, so that a topic which the broker rejects delays no other. Nothing
//! in the log is skipped, neither if the broker is ahead of the database nor if the database was
//! restored to an earlier state. Never knows the broker.

use super::policy::Group;
use crate::events::Events;
use galleria_domain::{Event, Position};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{DeadLetter, DeadLetterFilter, Tx};

/// The code of the dead letter of an event that the broker rejects. Its subscriber is the relay of the topic.
pub const BROKER_REJECTED: &str = "broker_rejected";

/// The last event of a topic that the broker has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// Its position in the log.
    pub position: Position,
    /// The id of the event. Id and timestamp detect a restored log: there the position has another
    /// event, or the same event sent again later.
    pub event: String,
    /// Milliseconds since 1970.
    pub server_timestamp: i64,
}

impl Events {
    /// The relay of each topic.
    pub fn relays(&self) -> Vec<Group> {
        self.policy.relays()
    }

    /// The position after which a relay continues. The database stores it after the broker has
    /// committed, so a crash in between leaves the broker ahead.
    pub async fn relay_position(
        &self,
        relay: &Group,
        relayed: Option<Relayed>,
    ) -> Result<Position, Error> {
        let relay = relay.clone();
        self.core.records
            .read(in_tx!(|tx, relay, relayed| {
                    let noted = tx.position_get(&relay.name).await?;
                    let Some(relayed) = relayed.filter(|one| one.position > noted) else {
                        return Ok(noted);
                    };
                    let there = tx
                        .event_list(&relay.topics(), relayed.position - 1, 1)
                        .await?;
                    let is = |event: &Event| {
                        event.position == relayed.position
                            && event.id == relayed.event
                            && event.server_timestamp == relayed.server_timestamp
                    };
                    if there.first().is_some_and(is) {
                        return Ok(relayed.position);
                    }
                    tracing::warn!(
                        relay = relay.name,
                        event = relayed.event,
                        "the broker has an event that this log has not: the database is an earlier state of \
                         itself, and relaying goes on where that one stood"
                    );
                    Ok(noted)
                }))
            .await
    }

    /// Records that the broker rejects the next event of a relay, so that the status and the dead letters of
    /// every process show it. The relay repeats its tries.
    pub async fn record_rejection(
        &self,
        relay: &Group,
        event: &Event,
        reason: &str,
        attempts: u32,
    ) -> Result<(), Error> {
        let (now, event, reason) = (self.core.clock.now(), event.clone(), reason.to_owned());
        let relay = relay.name.clone();
        self.core
            .records
            .write(in_tx!(|tx, relay, event, reason| {
                let mut died_at = now;
                for letter in rejections(tx, Some(&relay)).await? {
                    if letter.event.id == event.id {
                        died_at = letter.died_at;
                    } else {
                        tx.dead_letter_remove(&letter.event.id, &relay).await?;
                    }
                }
                tx.dead_letter_put(&DeadLetter {
                    group: relay.clone(),
                    subscriber: relay,
                    lane: event.topic.clone(),
                    event,
                    code: BROKER_REJECTED.into(),
                    detail: reason,
                    attempts,
                    component: String::new(),
                    died_at,
                })
                .await
            }))
            .await
    }

    /// Removes the recorded rejection of a relay: the broker accepted the event, or it is no longer the next one.
    pub async fn clear_rejection(&self, relay: &Group) -> Result<(), Error> {
        let relay = relay.name.clone();
        let name = relay.clone();
        let read = self
            .core
            .records
            .read(in_tx!(|tx, name| rejections(tx, Some(&name)).await));
        if read.await?.is_empty() {
            return Ok(());
        }
        self.core
            .records
            .write(in_tx!(|tx, relay| {
                for letter in rejections(tx, Some(&relay)).await? {
                    tx.dead_letter_remove(&letter.event.id, &relay).await?;
                }
                Ok(())
            }))
            .await
    }
}

/// The events that the broker rejects: at most one for each relay.
pub(crate) async fn rejections(
    tx: &mut dyn Tx,
    relay: Option<&str>,
) -> Result<Vec<DeadLetter>, Error> {
    let filter = DeadLetterFilter {
        subscriber: relay.map(str::to_owned),
        code: Some(BROKER_REJECTED.into()),
        ..DeadLetterFilter::default()
    };
    tx.dead_letter_list(&filter, None, 1_000).await
}
