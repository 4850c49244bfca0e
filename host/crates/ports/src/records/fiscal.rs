//! Fiscal records, and the marks that were answered to them.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Attribute;
use jiff::Timestamp;

/// How a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiscalState {
    /// A mark came before its payment or refund, or too long before it.
    Early,
    /// Its mark has not come.
    Waiting,
    /// It has its mark.
    Marked,
    /// Two marks came, and they differ: an operator looks.
    Conflict,
}

impl FiscalState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Early, Self::Waiting, Self::Marked, Self::Conflict];

    /// As callers read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Waiting => "waiting",
            Self::Marked => "marked",
            Self::Conflict => "conflict",
        }
    }
}

/// How a mark stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkState {
    /// It came before its record.
    Early,
    /// It is the record's.
    Applied,
    /// The record had another.
    Conflict,
}

impl MarkState {
    /// As callers read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Applied => "applied",
            Self::Conflict => "conflict",
        }
    }
}

/// What is to be marked: a sale, or a refund of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiscalRow {
    /// The order.
    pub order_id: String,
    /// The refund; empty for the sale.
    pub refund_id: String,
    /// Payment or refund; none while it has not come.
    pub entry_id: Option<String>,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The store's id, as far as it is known.
    pub store_id: Option<String>,
    /// Its retailer.
    pub retailer: Option<String>,
    /// How it stands.
    pub state: FiscalState,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
}

/// What was answered. Kept whatever became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkRow {
    /// The order.
    pub order_id: String,
    /// The refund; empty for the sale.
    pub refund_id: String,
    /// Unique within the order.
    pub mark: String,
    /// Such as `mydata`.
    pub scheme: String,
    /// Further facts.
    pub attributes: Vec<Attribute>,
    /// How it stands.
    pub state: MarkState,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it came here.
    pub received_at: Timestamp,
}

/// Which records are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiscalFilter {
    /// Of this store.
    pub store_id: Option<String>,
    /// Of this retailer.
    pub retailer: Option<String>,
    /// In this state.
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
    /// Adds a record that was not there.
    async fn fiscal_insert(&mut self, row: &FiscalRow) -> Result<(), Error>;
    /// Replaces one that [`fiscal_get`](Self::fiscal_get) has found.
    async fn fiscal_update(&mut self, row: &FiscalRow) -> Result<(), Error>;
    /// Those of an order, the sale's first.
    async fn fiscal_of_order(&mut self, order_id: &str) -> Result<Vec<FiscalRow>, Error>;
    /// Newest first, before the serial number `before`.
    async fn fiscal_page(
        &mut self,
        filter: &FiscalFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, FiscalRow)>, Error>;

    /// Adds a mark that was not there.
    async fn mark_insert(&mut self, row: &MarkRow) -> Result<(), Error>;
    /// A mark of an order.
    async fn mark_get(&mut self, order_id: &str, mark: &str) -> Result<Option<MarkRow>, Error>;
    /// Says how a mark stands.
    async fn mark_set_state(
        &mut self,
        order_id: &str,
        mark: &str,
        state: MarkState,
    ) -> Result<(), Error>;
    /// Marks of an order, in the order in which they came.
    async fn marks_of_order(&mut self, order_id: &str) -> Result<Vec<MarkRow>, Error>;
}
