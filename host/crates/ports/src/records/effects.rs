//! The log and what became of its events: outbox, positions, effects, journal, parked, dead letters.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::{Event, NewEvent, Position};
use jiff::Timestamp;

/// How an event ended for a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its decision was applied.
    Applied,
    /// Nobody had to decide: the plugin no longer serves it.
    Skipped,
    /// An operator gave it up, or its key was told to go on without it.
    Discarded,
}

/// Whether an effect could be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// It is this transaction's.
    Now,
    /// It was there before.
    Before,
}

/// A publication found in the log, for people and tests.
pub type Publication = Event;

/// One attempt, as the journal keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    /// The event.
    pub event_id: String,
    /// The slot or handler.
    pub subscriber: String,
    /// The slot's retailer; empty where nobody could be asked.
    pub retailer: String,
    /// The store's id.
    pub store_id: String,
    /// The order, where there is one.
    pub order_id: Option<String>,
    /// From 1.
    pub attempt: u32,
    /// `applied`, or the fault's code.
    pub outcome: String,
    /// The fault in words; never of a sensitive point.
    pub detail: Option<String>,
    /// The plugin's name.
    pub plugin: String,
    /// SHA-256 of the component.
    pub component: String,
    /// SHA-256 of the settings; its text is a blob.
    pub settings: String,
    /// SHA-256 of point, context and argument; its text is a blob.
    pub argument: String,
    /// SHA-256 of the decision; its text is a blob.
    pub decision: Option<String>,
    /// CPU time.
    pub cpu_us: i64,
    /// Peak of all memories.
    pub memory_bytes: i64,
    /// Of everything decided.
    pub output_bytes: i64,
    /// When it ended.
    pub at: Timestamp,
}

/// Why an event is not in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedState {
    /// Tried again at its time.
    Retry,
    /// Its cause has not had its effect; tried when that comes, or when it has waited too long.
    Waiting,
    /// Behind another event of its lane.
    Behind,
    /// A dead letter that keeps its lane closed.
    Held,
}

impl ParkedState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Retry, Self::Waiting, Self::Behind, Self::Held];
}

/// What a store's events have come to, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFigures {
    /// The store's id.
    pub store_id: String,
    /// Events in the log that belong to the store, publications of plugins not counted.
    pub events: u64,
    /// Documents delivered.
    pub documents: u64,
    /// CPU time of all attempts in the journal.
    pub cpu_us: u64,
}

/// An event that waits outside the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// The consumer group.
    pub group: String,
    /// The slot or handler.
    pub subscriber: String,
    /// What keeps order.
    pub lane: String,
    /// The whole event.
    pub event: Event,
    /// Why it waits.
    pub state: ParkedState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried again; for `Behind` and `Held` of no meaning.
    pub due_at: Timestamp,
    /// When it first had to wait.
    pub since: Timestamp,
    /// The event that must have its effect first.
    pub waits_for: Option<String>,
    /// For people.
    pub cause: String,
}

/// An event given up until an operator decides.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The consumer group.
    pub group: String,
    /// The slot or handler.
    pub subscriber: String,
    /// What keeps order.
    pub lane: String,
    /// The whole event.
    pub event: Event,
    /// The fault's code.
    pub code: String,
    /// The fault in words.
    pub detail: String,
    /// Attempts made.
    pub attempts: u32,
    /// The component that failed last.
    pub component: String,
    /// When it was given up.
    pub died_at: Timestamp,
}

/// Which dead letters are meant; what is none lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// The slot or handler.
    pub subscriber: Option<String>,
    /// The fault's code.
    pub code: Option<String>,
    /// Whose stores.
    pub retailer: Option<String>,
    /// The store's id.
    pub store: Option<String>,
    /// The event's topic.
    pub topic: Option<String>,
}

/// Where a reader of dead letters stands: the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadKey {
    /// When it was given up.
    pub died_at: Timestamp,
    /// The event's position in the log.
    pub position: Position,
    /// The slot or handler.
    pub subscriber: String,
}

/// The outbox, read as a log.
#[async_trait]
pub trait Outbox {
    /// Appends an event; its server timestamp is `at`. `Error::Exists` where the id is taken.
    async fn event_append(&mut self, event: &NewEvent, at: Timestamp) -> Result<(), Error>;
    /// Events of these topics after `after`, in order, as far as the log is settled.
    async fn event_page(
        &mut self,
        topics: &[String],
        after: Position,
        limit: u32,
    ) -> Result<Vec<Event>, Error>;
    /// An event by id.
    async fn event_get(&mut self, id: &str) -> Result<Option<Event>, Error>;
    /// Every topic that an event was ever published on, in order of their names.
    async fn event_topics(&mut self) -> Result<Vec<String>, Error>;
}

/// What became of events.
#[async_trait]
pub trait Effects {
    /// Where a group continues; 0 at first.
    async fn position_get(&mut self, group: &str) -> Result<Position, Error>;
    /// Everything up to here is settled. Never goes back.
    async fn position_set(&mut self, group: &str, position: Position) -> Result<(), Error>;

    /// Claims the one effect of an event for a subscriber.
    async fn effect_claim(
        &mut self,
        event_id: &str,
        subscriber: &str,
        outcome: Outcome,
        at: Timestamp,
    ) -> Result<Took, Error>;
    /// How an event ended for a subscriber.
    async fn effect_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<Outcome>, Error>;

    /// A number taken for an event, or the next one, kept with it.
    async fn counter_take(
        &mut self,
        event_id: &str,
        subscriber: &str,
        scope: &str,
        name: &str,
    ) -> Result<u64, Error>;

    /// Writes an attempt down.
    async fn journal_insert(&mut self, row: &JournalRow) -> Result<(), Error>;
    /// Attempts about an order, oldest first.
    async fn journal_of_order(&mut self, order_id: &str) -> Result<Vec<JournalRow>, Error>;
    /// Attempts at an event by all its subscribers, oldest first.
    async fn journal_of_event(&mut self, event_id: &str) -> Result<Vec<JournalRow>, Error>;
    /// Keeps a text under its digest; nothing where it is there.
    async fn blob_put(&mut self, digest: &str, body: &str, at: Timestamp) -> Result<(), Error>;
    /// Figures of every store that has events, by store id. A publication's event id contains `/`.
    async fn store_figures(&mut self) -> Result<Vec<StoreFigures>, Error>;
    /// A text by its digest.
    async fn blob_get(&mut self, digest: &str) -> Result<Option<String>, Error>;

    /// Parks an event, or renews how it is parked.
    async fn parked_put(&mut self, parked: &Parked) -> Result<(), Error>;
    /// Takes an event out of the park.
    async fn parked_remove(&mut self, event_id: &str, subscriber: &str) -> Result<(), Error>;
    /// One parked event.
    async fn parked_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<Parked>, Error>;
    /// The first event of each lane of a group, where that is `Retry`, `Waiting` or `Behind` and due by `now`.
    /// A `Behind` that has become the first of its lane is due at once.
    async fn parked_due(
        &mut self,
        group: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Parked>, Error>;
    /// The lanes of a group in which something is parked, as (subscriber, lane).
    async fn parked_lanes(&mut self, group: &str) -> Result<Vec<(String, String)>, Error>;
    /// How many events of one lane are parked.
    async fn parked_in_lane(
        &mut self,
        group: &str,
        subscriber: &str,
        lane: &str,
    ) -> Result<u64, Error>;
    /// Makes everything that waits for this event's effect due now.
    async fn parked_wake(
        &mut self,
        waits_for: &str,
        subscriber: &str,
        now: Timestamp,
    ) -> Result<u64, Error>;
    /// How many are parked: in all, and those of them `Held`.
    async fn parked_count(&mut self) -> Result<(u64, u64), Error>;

    /// Adds a dead letter, or renews it after a failed replay.
    async fn dead_put(&mut self, letter: &DeadLetter) -> Result<(), Error>;
    /// Dead letters that a filter lets pass, oldest first, after the one at `after`.
    async fn dead_page(
        &mut self,
        filter: &DeadFilter,
        after: Option<&DeadKey>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error>;
    /// One dead letter.
    async fn dead_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<DeadLetter>, Error>;
    /// How many there are.
    async fn dead_count(&mut self) -> Result<u64, Error>;
    /// Takes a dead letter away: replayed or discarded.
    async fn dead_remove(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<DeadLetter>, Error>;
}
