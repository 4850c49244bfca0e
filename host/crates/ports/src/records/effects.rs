//! The log and the effects of its events.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::{Event, NewEvent, Position};
use jiff::Timestamp;

/// How an event ended for a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its decision was applied.
    Applied,
    /// No plugin had to decide: the plugin no longer serves it.
    Skipped,
    /// An operator discarded it, or its lane continued without it.
    Discarded,
}

/// The result of claiming an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This transaction has claimed the effect.
    New,
    /// The effect already exists.
    Existing,
}

/// A publication in the log.
pub type Publication = Event;

/// The outbox, read as a log.
#[async_trait]
pub trait Outbox {
    /// Appends an event with the server timestamp `at`. Returns `Error::Exists` if the id is taken.
    async fn event_append(&mut self, event: &NewEvent, at: Timestamp) -> Result<(), Error>;
    /// Events of these topics after `after`, in order of position.
    async fn event_list(
        &mut self,
        topics: &[String],
        after: Position,
        limit: u32,
    ) -> Result<Vec<Event>, Error>;
    /// An event by id.
    async fn event_get(&mut self, id: &str) -> Result<Option<Event>, Error>;
}

/// Positions of groups, effects of events, and their counters.
#[async_trait]
pub trait Effects {
    /// The position up to which a group has processed the log; 0 at first.
    async fn position_get(&mut self, group: &str) -> Result<Position, Error>;
    /// Sets the position up to which a group has processed the log. Never moves back.
    async fn position_set(&mut self, group: &str, position: Position) -> Result<(), Error>;
    /// Claims the effect of an event for a subscriber. An event has one effect for each subscriber.
    async fn effect_claim(
        &mut self,
        event_id: &str,
        subscriber: &str,
        outcome: Outcome,
        at: Timestamp,
    ) -> Result<Claim, Error>;
    /// How an event ended for a subscriber.
    async fn effect_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<Outcome>, Error>;
    /// Takes the next number for an event, or returns the one it took before.
    async fn counter_take(
        &mut self,
        event_id: &str,
        subscriber: &str,
        scope: &str,
        name: &str,
    ) -> Result<u64, Error>;
}
