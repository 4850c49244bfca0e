//! The journal of attempts, and the texts it refers to by digest.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// An attempt in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    /// The event.
    pub event_id: String,
    /// The plugin slot or host handler.
    pub subscriber: String,
    /// The retailer of the slot; empty if no slot was found.
    pub retailer: String,
    /// The store's id.
    pub store_id: String,
    /// The order, if any.
    pub order_id: Option<String>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// `applied`, or the fault's code.
    pub outcome: String,
    /// The fault's message. `None` for extension points with personal data.
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
    /// Peak size of all memories.
    pub memory_bytes: i64,
    /// Size of the decision.
    pub output_bytes: i64,
    /// When it ended.
    pub at: Timestamp,
}

/// Records of attempts.
#[async_trait]
pub trait Journal {
    /// Adds an attempt.
    async fn journal_insert(&mut self, row: &JournalRow) -> Result<(), Error>;
    /// The same for an attempt that was applied. Returns whether the event is parked or a dead letter for the subscriber.
    async fn journal_insert_applied(&mut self, row: &JournalRow) -> Result<bool, Error>;
    /// Attempts of an order, oldest first.
    async fn journal_list_by_order(&mut self, order_id: &str) -> Result<Vec<JournalRow>, Error>;
    /// Attempts of all subscribers of an event, oldest first.
    async fn journal_list_by_event(&mut self, event_id: &str) -> Result<Vec<JournalRow>, Error>;
    /// Stores texts, each with its digest before it, unless they are already stored.
    async fn blob_put_many(&mut self, texts: &[(&str, &str)], at: Timestamp) -> Result<(), Error>;
    /// A text by its digest.
    async fn blob_get(&mut self, digest: &str) -> Result<Option<String>, Error>;
}
