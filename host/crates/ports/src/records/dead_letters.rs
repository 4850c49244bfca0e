//! Dead letters: failed events that wait for an operator's decision.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::{Event, Position};
use jiff::Timestamp;

/// A failed event that waits for an operator's decision.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The consumer group.
    pub group: String,
    /// The plugin slot or host handler.
    pub subscriber: String,
    /// The lane key: events of one lane are processed in order.
    pub lane: String,
    /// The whole event.
    pub event: Event,
    /// The fault's code.
    pub code: String,
    /// The fault's message.
    pub detail: String,
    /// Attempts made.
    pub attempts: u32,
    /// The component of the last attempt.
    pub component: String,
    /// When it became a dead letter.
    pub died_at: Timestamp,
}

/// Filter of dead letters. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// The plugin slot or host handler.
    pub subscriber: Option<String>,
    /// The fault's code.
    pub code: Option<String>,
    /// Only letters with another code.
    pub without_code: Option<String>,
    /// Only letters of stores of this retailer.
    pub retailer: Option<String>,
    /// The store's id.
    pub store: Option<String>,
    /// The event's topic.
    pub topic: Option<String>,
}

/// Position of a reader of dead letters, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterCursor {
    /// When it became a dead letter.
    pub died_at: Timestamp,
    /// The event's position in the log.
    pub position: Position,
    /// The plugin slot or host handler.
    pub subscriber: String,
}

/// Records of dead letters.
#[async_trait]
pub trait DeadLetters {
    /// Adds a dead letter, or updates it after a failed replay.
    async fn dead_letter_put(&mut self, letter: &DeadLetter) -> Result<(), Error>;
    /// Dead letters that match a filter, oldest first, after `after`.
    async fn dead_letter_list(
        &mut self,
        filter: &DeadLetterFilter,
        after: Option<&DeadLetterCursor>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error>;
    /// Returns a dead letter.
    async fn dead_letter_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<DeadLetter>, Error>;
    /// The number of dead letters.
    async fn dead_letter_count(&mut self) -> Result<u64, Error>;
    /// Removes a replayed or discarded dead letter.
    async fn dead_letter_remove(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<DeadLetter>, Error>;
}
