//! Parked events: they wait outside the log.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Event;
use jiff::Timestamp;

/// Why an event is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedState {
    /// Retried at its due time.
    Retry,
    /// Waits for the effect of another event. Tried when that effect is applied, or when it has
    /// waited too long.
    Waiting,
    /// Waits behind another event of its lane.
    Behind,
    /// A dead letter that keeps its lane closed.
    Blocking,
}

impl ParkedState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Retry, Self::Waiting, Self::Behind, Self::Blocking];
}

/// A parked event: it waits outside the log.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedEvent {
    /// The consumer group.
    pub group: String,
    /// The plugin slot or host handler.
    pub subscriber: String,
    /// The lane key: events of one lane are processed in order.
    pub lane: String,
    /// The whole event.
    pub event: Event,
    /// Why it is parked.
    pub state: ParkedState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is retried. Ignored for `Behind` and `Blocking`.
    pub due_at: Timestamp,
    /// When it was first parked.
    pub since: Timestamp,
    /// The event whose effect it waits for.
    pub waits_for: Option<String>,
    /// A readable cause.
    pub cause: String,
}

/// Records of parked events.
#[async_trait]
pub trait ParkedEvents {
    /// Parks an event, or updates a parked event.
    async fn parked_put(&mut self, parked: &ParkedEvent) -> Result<(), Error>;
    /// Removes a parked event.
    async fn parked_remove(&mut self, event_id: &str, subscriber: &str) -> Result<(), Error>;
    /// Returns a parked event.
    async fn parked_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<ParkedEvent>, Error>;
    /// The first event of each lane of a group, if it is `Retry`, `Waiting` or `Behind` and due by
    /// `now`. A `Behind` event that became the first of its lane is due at once.
    async fn parked_due(
        &mut self,
        group: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ParkedEvent>, Error>;
    /// The lanes of a group with parked events, as (subscriber, lane).
    async fn parked_lane_list(&mut self, group: &str) -> Result<Vec<(String, String)>, Error>;
    /// Whether one lane has parked events.
    async fn parked_in_lane(
        &mut self,
        group: &str,
        subscriber: &str,
        lane: &str,
    ) -> Result<bool, Error>;
    /// Makes all events due that wait for the effect of `waits_for`.
    async fn parked_wake(
        &mut self,
        waits_for: &str,
        subscriber: &str,
        now: Timestamp,
    ) -> Result<u64, Error>;
    /// Makes all events due that wait for `waits_for`, of every subscriber.
    async fn parked_wake_all(&mut self, waits_for: &str, now: Timestamp) -> Result<u64, Error>;
    /// The number of parked events, and of those that are `Blocking`.
    async fn parked_count(&mut self) -> Result<(u64, u64), Error>;
}
