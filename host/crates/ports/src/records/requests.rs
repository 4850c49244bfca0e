//! Requests from callers that were answered, and requests and receipts that decisions want sent.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// What a caller was answered under an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The caller's key.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub request: String,
    /// HTTP status.
    pub status: u16,
    /// The body as sent.
    pub body: String,
    /// When.
    pub at: Timestamp,
}

/// A request that a decision wants sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRow {
    /// `<event id>/<n>`, sent as `Idempotency-Key`.
    pub id: String,
    /// The event.
    pub event_id: String,
    /// The slot.
    pub subscriber: String,
    /// The store's id.
    pub store_id: String,
    /// The order, where there is one.
    pub order_id: Option<String>,
    /// The request as JSON text.
    pub request: String,
    /// When it was decided.
    pub created_at: Timestamp,
}

/// A receipt that a decision wants sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// `<event id>/<subscriber>/<n>`.
    pub id: String,
    /// The event.
    pub event_id: String,
    /// The slot.
    pub subscriber: String,
    /// The store's id.
    pub store_id: String,
    /// The order, where there is one.
    pub order_id: Option<String>,
    /// The receipt as JSON text.
    pub receipt: String,
    /// When it was decided.
    pub created_at: Timestamp,
}

/// Records of requests and receipts.
#[async_trait]
pub trait Requests {
    /// What was answered under a key.
    async fn answered_get(&mut self, key: &str) -> Result<Option<Answered>, Error>;
    /// Keeps an answer; `Error::Exists` where the key was used meanwhile.
    async fn answered_insert(&mut self, answered: &Answered) -> Result<(), Error>;
    /// Queues a request.
    async fn outgoing_insert(&mut self, row: &OutgoingRow) -> Result<(), Error>;
    /// Queues a receipt.
    async fn receipt_insert(&mut self, row: &ReceiptRow) -> Result<(), Error>;
}
