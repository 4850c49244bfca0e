//! Responses saved under an idempotency key, and requests and receipts to be sent.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// The response to a request with an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedResponse {
    /// The idempotency key.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// The body as sent.
    pub body: String,
    /// When it happened.
    pub at: Timestamp,
}

/// A request of a decision, to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRow {
    /// `<event id>/<n>`, sent as `Idempotency-Key`.
    pub id: String,
    /// The event.
    pub event_id: String,
    /// The plugin slot.
    pub subscriber: String,
    /// The store's id.
    pub store_id: String,
    /// The order, if any.
    pub order_id: Option<String>,
    /// The request as JSON text.
    pub request: String,
    /// When the decision was applied.
    pub created_at: Timestamp,
}

/// A receipt of a decision, to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// `<event id>/<subscriber>/<n>`.
    pub id: String,
    /// The event.
    pub event_id: String,
    /// The plugin slot.
    pub subscriber: String,
    /// The store's id.
    pub store_id: String,
    /// The order, if any.
    pub order_id: Option<String>,
    /// The receipt as JSON text.
    pub receipt: String,
    /// When the decision was applied.
    pub created_at: Timestamp,
}

/// Records of requests and receipts.
#[async_trait]
pub trait Requests {
    /// The response saved under an idempotency key.
    async fn saved_response_get(&mut self, key: &str) -> Result<Option<SavedResponse>, Error>;
    /// Saves a response. Returns `Error::Exists` if the key is taken.
    async fn saved_response_insert(&mut self, answered: &SavedResponse) -> Result<(), Error>;
    /// Queues requests.
    async fn outgoing_insert_many(&mut self, rows: &[OutgoingRow]) -> Result<(), Error>;
    /// Queues receipts.
    async fn receipt_insert_many(&mut self, rows: &[ReceiptRow]) -> Result<(), Error>;
}
