//! Parked events, queued receipts and requests, and faults, for operators.

use super::{OutgoingRow, ParkedEvent, ParkedState, ReceiptRow};
use crate::Error;
use async_trait::async_trait;
use galleria_domain::Position;
use jiff::Timestamp;

/// Filter of parked events. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParkedFilter {
    /// The retailer of the store.
    pub retailer: Option<String>,
    /// The store's id.
    pub store: Option<String>,
    /// The plugin slot or host handler.
    pub subscriber: Option<String>,
    /// Why it is parked.
    pub state: Option<ParkedState>,
}

/// Position of a reader of parked events, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParkedCursor {
    /// When it was first parked.
    pub since: Timestamp,
    /// The event's position in the log.
    pub position: Position,
    /// The plugin slot or host handler.
    pub subscriber: String,
}

/// Filter of receipts or requests. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// The retailer of the store.
    pub retailer: Option<String>,
    /// The store's id.
    pub store: Option<String>,
    /// The event.
    pub event: Option<String>,
    /// The order.
    pub order: Option<String>,
}

/// Position of a reader of receipts or requests, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueCursor {
    /// When the decision was applied.
    pub created_at: Timestamp,
    /// The row's id.
    pub id: String,
    /// The plugin slot.
    pub subscriber: String,
}

/// Queues and faults for operators.
#[async_trait]
pub trait Queues {
    /// Parked events that match a filter, longest parked first.
    async fn parked_list(
        &mut self,
        filter: &ParkedFilter,
        after: Option<&ParkedCursor>,
        limit: u32,
    ) -> Result<Vec<ParkedEvent>, Error>;
    /// Makes an event in state `Retry` or `Waiting` due now. Earlier events of its lane still come
    /// first. Returns false if there is no such event.
    async fn parked_make_due(
        &mut self,
        event_id: &str,
        subscriber: &str,
        now: Timestamp,
    ) -> Result<bool, Error>;
    /// Receipts that match a filter, oldest first.
    async fn receipt_list(
        &mut self,
        filter: &QueueFilter,
        after: Option<&QueueCursor>,
        limit: u32,
    ) -> Result<Vec<ReceiptRow>, Error>;
    /// Requests that match a filter, oldest first.
    async fn outgoing_list(
        &mut self,
        filter: &QueueFilter,
        after: Option<&QueueCursor>,
        limit: u32,
    ) -> Result<Vec<OutgoingRow>, Error>;
    /// Faults of a retailer's slot after `since`, newest first: each with its code.
    async fn fault_list(
        &mut self,
        retailer: &str,
        subscriber: &str,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Timestamp, String)>, Error>;
}
