//! Lists that people page through: which rows there are, the newest first, and what a list shows of
//! each. What a row says in full is read by its id.

use super::{DocumentRow, DocumentState, OrderStatus, ShiftRow};
use crate::Error;
use async_trait::async_trait;
use galleria_domain::refunding::Extent;
use galleria_domain::{Entry, Member, Money, Tender, VoidCause};
use jiff::Timestamp;
use serde::Deserialize;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// By the moment they were accepted, as all but shifts and documents.
    Orders,
    /// Payments.
    Payments,
    /// Refunds.
    Refunds,
    /// Voids.
    Voids,
    /// Verifications.
    Verifications,
    /// By the moment they were opened.
    Shifts,
    /// By the moment they were decided.
    Documents,
}

/// Where a list is read. Each place has its index, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// All there is.
    Everywhere,
    /// A retailer.
    Retailer(String),
    /// A store, by the host's id.
    Store(String),
    /// An order; not for orders and shifts.
    Order(String),
    /// Documents of an event or run.
    Event(String),
    /// Documents with a file name, whoever's they are.
    Name(String),
}

/// How far a row has come, where a list asks for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An order.
    Order(OrderStatus),
    /// A shift that is open, or one that is closed.
    Shift {
        /// Which of the two.
        open: bool,
    },
    /// A document.
    Document(DocumentState),
}

/// Where a row stands in its list: later moments first, of one moment the greater id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListKey {
    /// The moment, to the millisecond.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
}

/// Which rows of a place are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Behind this row.
    pub after: Option<ListKey>,
    /// Only those that have come so far.
    pub standing: Option<Standing>,
    /// Only documents of this directory.
    pub directory: Option<String>,
}

/// What a list shows of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderListed {
    /// The caller's id.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// What the retailer's own system calls it.
    pub external_id: Option<String>,
    /// Where it was rung up.
    pub workstation: String,
    /// Who rang it up.
    pub cashier: Option<String>,
    /// A training order is no turnover.
    pub training: bool,
    /// How far it has come.
    pub status: OrderStatus,
    /// Who bought.
    pub member: Option<Member>,
    /// What it comes to, with taxes.
    pub gross: Money,
    /// When the basket was begun.
    pub begun_at: Timestamp,
    /// When the host accepted it.
    pub created_at: Timestamp,
}

/// What a list shows of a sale or of what a refund came to: all but lines and taxes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sums {
    /// How it was paid, or paid back.
    #[serde(default)]
    pub tenders: Vec<Tender>,
    /// Cash rounding.
    pub rounding: Money,
    /// Without taxes.
    pub net: Money,
    /// With taxes.
    pub gross: Money,
}

/// What a list shows of a payment.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentListed {
    /// The caller's id.
    pub id: String,
    /// Its order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The drawer, where there is one.
    pub shift_id: Option<String>,
    /// Its numbers.
    pub entry: Entry,
    /// Its sums.
    pub sums: Sums,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// What a list shows of a refund.
#[derive(Clone, Debug, PartialEq)]
pub struct RefundListed {
    /// The caller's id.
    pub id: String,
    /// The order it goes back to.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The drawer that paid it.
    pub shift_id: Option<String>,
    /// Its numbers.
    pub entry: Entry,
    /// What was asked for.
    pub extent: Extent,
    /// Why.
    pub reason: String,
    /// What it came to; none while the payment has not been seen.
    pub sums: Option<Sums>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// What a list shows of a void.
#[derive(Clone, Debug, PartialEq)]
pub struct VoidListed {
    /// The caller's id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// Its numbers.
    pub entry: Entry,
    /// Why.
    pub cause: VoidCause,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// What a list shows of a verification.
#[derive(Clone, Debug, PartialEq)]
pub struct VerificationListed {
    /// Its id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// Who looked.
    pub cashier: String,
    /// How it ended.
    pub outcome: String,
    /// Lines that were not as they should be.
    pub refused_lines: Vec<u32>,
    /// Whether the order was paid by then.
    pub paid: bool,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// Records that are listed.
#[async_trait]
pub trait Lists {
    /// Keys of a list in one place, at most `limit`, in the order of the list. Of an order, an event
    /// or a file name all there are.
    async fn list_keys(
        &mut self,
        listing: Listing,
        place: &Place,
        filter: &ListFilter,
        limit: u32,
    ) -> Result<Vec<ListKey>, Error>;
    /// Orders by id, in no order, as in all that follow.
    async fn orders_listed(&mut self, ids: &[String]) -> Result<Vec<OrderListed>, Error>;
    /// Payments.
    async fn payments_listed(&mut self, ids: &[String]) -> Result<Vec<PaymentListed>, Error>;
    /// Refunds.
    async fn refunds_listed(&mut self, ids: &[String]) -> Result<Vec<RefundListed>, Error>;
    /// Voids.
    async fn voids_listed(&mut self, ids: &[String]) -> Result<Vec<VoidListed>, Error>;
    /// Verifications.
    async fn verifications_listed(
        &mut self,
        ids: &[String],
    ) -> Result<Vec<VerificationListed>, Error>;
    /// Shifts.
    async fn shifts_listed(&mut self, ids: &[String]) -> Result<Vec<ShiftRow>, Error>;
    /// Documents, without bodies.
    async fn documents_listed(&mut self, ids: &[String]) -> Result<Vec<DocumentRow>, Error>;
    /// What is kept of a document's content in the records: none once it is delivered.
    async fn document_body(&mut self, id: &str) -> Result<Option<Vec<u8>>, Error>;
}
