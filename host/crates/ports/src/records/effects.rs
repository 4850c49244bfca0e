//! The log and the effects of its events.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::{Event, NewEvent, Position, Store};
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

/// What is known of an event for a subscriber before it is handled.
#[derive(Clone, Debug, PartialEq)]
pub struct HandlingState {
    /// Whether it ended.
    pub has_effect: bool,
    /// Whether it is a dead letter.
    pub is_dead_letter: bool,
    /// Its store.
    pub store: Option<Store>,
}

/// A publication in the log.
pub type Publication = Event;

/// The outbox, read as a log.
#[async_trait]
pub trait Outbox {
    /// Appends an event with the server timestamp `at`. Returns `Error::Exists` if the id is taken.
    async fn event_append(&mut self, event: &NewEvent, at: Timestamp) -> Result<(), Error>;
    /// Appends events in this order. Returns `Error::Exists` if an id is taken.
    async fn event_append_many(&mut self, events: &[NewEvent], at: Timestamp) -> Result<(), Error>;
    /// Events of these topics after `after`, in order of position.
    async fn event_list(
        &mut self,
        topics: &[String],
        after: Position,
        limit: u32,
    ) -> Result<Vec<Event>, Error>;
    /// The next events of each topic after its position, with their stores, in order of position. At most
    /// `limit` of each topic.
    async fn event_list_next(
        &mut self,
        topics: &[(String, Position)],
        limit: u32,
    ) -> Result<Vec<(Event, Option<Store>)>, Error>;
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
    /// Claims the effect of an event of an order, whose row it locks until the transaction ends.
    async fn effect_claim_of_order(
        &mut self,
        event_id: &str,
        subscriber: &str,
        outcome: Outcome,
        at: Timestamp,
        order_id: &str,
    ) -> Result<Claim, Error>;
    /// What is known of an event of a store for a subscriber.
    async fn handling_state(
        &mut self,
        event_id: &str,
        subscriber: &str,
        store_id: &str,
    ) -> Result<HandlingState, Error>;
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
