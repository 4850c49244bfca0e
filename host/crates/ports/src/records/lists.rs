//! Lists of records, newest first. A list contains summaries; the complete record is read by its
//! id.

use super::{DocumentRow, DocumentState, OrderStatus, ShiftRow};
use crate::Error;
use async_trait::async_trait;
use galleria_domain::refunding::Extent;
use galleria_domain::{Entry, Member, Money, Tender, VoidCause};
use jiff::Timestamp;
use serde::Deserialize;

/// The kind of rows in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Orders, by acceptance time like all kinds except shifts and documents.
    Orders,
    /// Payments.
    Payments,
    /// Refunds.
    Refunds,
    /// Voids.
    Voids,
    /// Verifications.
    Verifications,
    /// Shifts, by opening time.
    Shifts,
    /// Documents, by creation time.
    Documents,
}

/// Scope of a list. Each scope has an index in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListScope {
    /// All rows.
    All,
    /// A retailer.
    Retailer(String),
    /// A store, by the host's id.
    Store(String),
    /// An order. Not for orders and shifts.
    Order(String),
    /// Documents of an event or run.
    Event(String),
    /// Documents with a file name, of any retailer.
    Name(String),
}

/// Filter of a list by status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// An order.
    Order(OrderStatus),
    /// Open or closed shifts.
    Shift {
        /// Whether open shifts are listed, or closed ones.
        open: bool,
    },
    /// A document.
    Document(DocumentState),
}

/// Position in a list: newest first, then by descending id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListCursor {
    /// The timestamp, in milliseconds.
    pub at: Timestamp,
    /// The row's id.
    pub id: String,
}

/// Filter of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only rows at or after this time.
    pub from: Option<Timestamp>,
    /// Only rows before this time.
    pub until: Option<Timestamp>,
    /// Only rows after this one.
    pub after: Option<ListCursor>,
    /// Only rows with this status.
    pub standing: Option<StatusFilter>,
    /// Only documents of this directory.
    pub directory: Option<String>,
}

/// An order in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderListRow {
    /// The caller's id.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// The id in the retailer's own system.
    pub external_id: Option<String>,
    /// The workstation.
    pub workstation: String,
    /// The cashier.
    pub cashier: Option<String>,
    /// Whether it is a training order, which is not turnover.
    pub training: bool,
    /// Its state.
    pub status: OrderStatus,
    /// The member who bought.
    pub member: Option<Member>,
    /// The total, with taxes.
    pub gross: Money,
    /// When the basket was begun.
    pub begun_at: Timestamp,
    /// When the host accepted it.
    pub created_at: Timestamp,
}

/// The totals of a sale or refund in a list, without lines and taxes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sums {
    /// The tenders.
    #[serde(default)]
    pub tenders: Vec<Tender>,
    /// Cash rounding.
    pub rounding: Money,
    /// Without taxes.
    pub net: Money,
    /// With taxes.
    pub gross: Money,
}

/// A payment in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentListRow {
    /// The caller's id.
    pub id: String,
    /// Its order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The shift of the drawer, if any.
    pub shift_id: Option<String>,
    /// Its sequence and receipt numbers.
    pub entry: Entry,
    /// Its totals.
    pub sums: Sums,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// A refund in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct RefundListRow {
    /// The caller's id.
    pub id: String,
    /// The refunded order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The shift of the drawer that paid it.
    pub shift_id: Option<String>,
    /// Its sequence and receipt numbers.
    pub entry: Entry,
    /// The requested extent.
    pub extent: Extent,
    /// The reason.
    pub reason: String,
    /// The totals. `None` until the payment is known.
    pub sums: Option<Sums>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// A void in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct VoidListRow {
    /// The caller's id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// Its sequence and receipt numbers.
    pub entry: Entry,
    /// The reason.
    pub cause: VoidCause,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// A verification in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct VerificationListRow {
    /// The row's id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// The cashier.
    pub cashier: String,
    /// The outcome.
    pub outcome: String,
    /// The numbers of the incorrect lines.
    pub refused_lines: Vec<u32>,
    /// Whether the order was already paid.
    pub paid: bool,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// Lists of records.
#[async_trait]
pub trait Lists {
    /// The first cursors of a list in one scope, at most `limit`. All of them for an order, an
    /// event or a file name.
    async fn list_cursors(
        &mut self,
        listing: ListKind,
        place: &ListScope,
        filter: &ListFilter,
        limit: u32,
    ) -> Result<Vec<ListCursor>, Error>;
    /// Orders by id, in any order, as for all following methods.
    async fn order_list_rows(&mut self, ids: &[String]) -> Result<Vec<OrderListRow>, Error>;
    /// Payments.
    async fn payment_list_rows(&mut self, ids: &[String]) -> Result<Vec<PaymentListRow>, Error>;
    /// Refunds.
    async fn refund_list_rows(&mut self, ids: &[String]) -> Result<Vec<RefundListRow>, Error>;
    /// Voids.
    async fn void_list_rows(&mut self, ids: &[String]) -> Result<Vec<VoidListRow>, Error>;
    /// Verifications.
    async fn verification_list_rows(
        &mut self,
        ids: &[String],
    ) -> Result<Vec<VerificationListRow>, Error>;
    /// Shifts.
    async fn shift_list_rows(&mut self, ids: &[String]) -> Result<Vec<ShiftRow>, Error>;
    /// Documents, without bodies.
    async fn document_list_rows(&mut self, ids: &[String]) -> Result<Vec<DocumentRow>, Error>;
    /// The content of a document in the database. `None` after delivery.
    async fn document_body(&mut self, id: &str) -> Result<Option<Vec<u8>>, Error>;
}
