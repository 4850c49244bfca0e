//! What operators look at: what waits, what is queued, what failed. Reads only, but for one wake-up.

use super::{OutgoingRow, Parked, ParkedState, ReceiptRow};
use crate::Error;
use async_trait::async_trait;
use galleria_domain::Position;
use jiff::Timestamp;

/// Which parked events are meant; what is none lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParkedFilter {
    /// The retailer of the store.
    pub retailer: Option<String>,
    /// The store's id.
    pub store: Option<String>,
    /// The slot or handler.
    pub subscriber: Option<String>,
    /// Why it waits.
    pub state: Option<ParkedState>,
}

/// Where a reader of parked events stands: the order of the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParkedKey {
    /// When it first had to wait.
    pub since: Timestamp,
    /// The event's position in the log.
    pub position: Position,
    /// The slot or handler.
    pub subscriber: String,
}

/// Which receipts or requests are meant; what is none lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuedFilter {
    /// The retailer of the store.
    pub retailer: Option<String>,
    /// The store's id.
    pub store: Option<String>,
    /// The event.
    pub event: Option<String>,
    /// The order.
    pub order: Option<String>,
}

/// Where a reader of receipts or requests stands: the order of the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuedKey {
    /// When it was decided.
    pub created_at: Timestamp,
    /// Its id.
    pub id: String,
    /// The slot.
    pub subscriber: String,
}

/// Records as operators ask for them.
#[async_trait]
pub trait Desk {
    /// Parked events that a filter lets pass, those first that have waited longest.
    async fn parked_page(
        &mut self,
        filter: &ParkedFilter,
        after: Option<&ParkedKey>,
        limit: u32,
    ) -> Result<Vec<Parked>, Error>;
    /// Makes an event that is tried again at its time, or waits for its cause, due now. It comes after
    /// those before it in its lane all the same. False where there is none that waits for either.
    async fn parked_hasten(
        &mut self,
        event_id: &str,
        subscriber: &str,
        now: Timestamp,
    ) -> Result<bool, Error>;
    /// Receipts that a filter lets pass, oldest first.
    async fn receipt_page(
        &mut self,
        filter: &QueuedFilter,
        after: Option<&QueuedKey>,
        limit: u32,
    ) -> Result<Vec<ReceiptRow>, Error>;
    /// Requests that a filter lets pass, oldest first.
    async fn outgoing_page(
        &mut self,
        filter: &QueuedFilter,
        after: Option<&QueuedKey>,
        limit: u32,
    ) -> Result<Vec<OutgoingRow>, Error>;
    /// Faults of a retailer's slot after `since`, newest first: each with its code.
    async fn faults_newest(
        &mut self,
        retailer: &str,
        subscriber: &str,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Timestamp, String)>, Error>;
}
