//! Fiscal records, and the marks received for them.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Attribute;
use jiff::Timestamp;

/// The state of a fiscal record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiscalState {
    /// A mark arrived before its payment or refund, or too long before it.
    Early,
    /// Its mark has not arrived.
    Waiting,
    /// It has its mark.
    Marked,
    /// Two different marks were received. An operator must decide.
    Conflict,
}

impl FiscalState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Early, Self::Waiting, Self::Marked, Self::Conflict];

    /// The name in responses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Waiting => "waiting",
            Self::Marked => "marked",
            Self::Conflict => "conflict",
        }
    }
}

/// The state of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkState {
    /// It arrived before its record.
    Early,
    /// It is the record's mark.
    Applied,
    /// The record has another mark.
    Conflict,
}

impl MarkState {
    /// The name in responses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Applied => "applied",
            Self::Conflict => "conflict",
        }
    }
}

/// The fiscal record of a sale, or of a refund of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiscalRow {
    /// The order.
    pub order_id: String,
    /// The refund; empty for the sale.
    pub refund_id: String,
    /// The payment or refund. `None` until it arrives.
    pub entry_id: Option<String>,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The store's id, if known.
    pub store_id: Option<String>,
    /// Its retailer.
    pub retailer: Option<String>,
    /// Its state.
    pub state: FiscalState,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
}

/// A received mark. Stored in any state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkRow {
    /// The order.
    pub order_id: String,
    /// The refund; empty for the sale.
    pub refund_id: String,
    /// The mark. Unique within the order.
    pub mark: String,
    /// The fiscal scheme, such as `mydata`.
    pub scheme: String,
    /// Further attributes.
    pub attributes: Vec<Attribute>,
    /// Its state.
    pub state: MarkState,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When the host received it.
    pub received_at: Timestamp,
}

/// Filter of fiscal records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiscalFilter {
    /// Only records of this store.
    pub store_id: Option<String>,
    /// Only records of this retailer.
    pub retailer: Option<String>,
    /// Only records in this state.
    pub state: Option<FiscalState>,
}

/// Fiscal records.
#[async_trait]
pub trait Fiscal {
    /// A record, locked until the transaction ends.
    async fn fiscal_get(
        &mut self,
        order_id: &str,
        refund_id: &str,
    ) -> Result<Option<FiscalRow>, Error>;
    /// Adds a record. Repeats the transaction if another one added it first.
    async fn fiscal_insert(&mut self, row: &FiscalRow) -> Result<(), Error>;
    /// Adds a record. Returns false if it exists.
    async fn fiscal_insert_new(&mut self, row: &FiscalRow) -> Result<bool, Error>;
    /// Replaces a record that [`fiscal_get`](Self::fiscal_get) returned.
    async fn fiscal_update(&mut self, row: &FiscalRow) -> Result<(), Error>;
    /// Records of an order, the sale's first.
    async fn fiscal_list_by_order(&mut self, order_id: &str) -> Result<Vec<FiscalRow>, Error>;
    /// Records that match a filter, newest first, before the serial number `before`.
    async fn fiscal_list(
        &mut self,
        filter: &FiscalFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, FiscalRow)>, Error>;

    /// Adds a mark. Repeats the transaction if another one added it first.
    async fn mark_insert(&mut self, row: &MarkRow) -> Result<(), Error>;
    /// A mark of an order.
    async fn mark_get(&mut self, order_id: &str, mark: &str) -> Result<Option<MarkRow>, Error>;
    /// Sets the state of a mark.
    async fn mark_set_state(
        &mut self,
        order_id: &str,
        mark: &str,
        state: MarkState,
    ) -> Result<(), Error>;
    /// Marks of an order, in order of arrival.
    async fn mark_list_by_order(&mut self, order_id: &str) -> Result<Vec<MarkRow>, Error>;
}
