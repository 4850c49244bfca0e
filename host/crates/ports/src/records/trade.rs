//! Stores, orders, payments, refunds, voids, shifts, and sequence numbers.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::refunding::Extent;
use galleria_domain::tax::OrderTaxes;
use galleria_domain::{
    Attribute, Cancellation, Consent, Decimal, Entry, Line, Member, Money, Refund, Sale, Shift,
    Store, Tender, TenderTotal,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// Not paid yet.
    Open,
    /// Paid. May be refunded or voided afterwards.
    Paid,
    /// Voided.
    Voided,
}

impl OrderStatus {
    /// All variants.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Paid, Self::Voided];

    /// The name in rows and responses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Voided => "voided",
        }
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRow {
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
    /// The basket.
    pub lines: Vec<Line>,
    /// The member who bought.
    pub member: Option<Member>,
    /// Consents of the member.
    pub consents: Vec<Consent>,
    /// Further attributes.
    pub attributes: Vec<Attribute>,
    /// The total, with taxes.
    pub gross: Money,
    /// How it got its taxes; `None` if they were sent and not compared.
    pub taxes: Option<OrderTaxes>,
    /// When the basket was begun.
    pub begun_at: Timestamp,
    /// When the host accepted it.
    pub created_at: Timestamp,
}

/// A successful payment and its sale.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentRow {
    /// The caller's id.
    pub id: String,
    /// Its order. An order has at most one payment.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The shift of the drawer, if any.
    pub shift_id: Option<String>,
    /// Never changes after acceptance, so that every attempt reads the same.
    pub sale: Sale,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// A requested refund, and its result once the payment is known.
#[derive(Clone, Debug, PartialEq)]
pub struct RefundRow {
    /// The caller's id.
    pub id: String,
    /// The refunded order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The shift of the drawer that paid it.
    pub shift_id: Option<String>,
    /// Its entry, with numbers taken at acceptance.
    pub entry: Entry,
    /// The requested extent.
    pub extent: Extent,
    /// The tenders of the refund. If empty, the sale's tenders are used.
    pub tenders: Vec<Tender>,
    /// Cash rounding, if the caller specified it.
    pub rounding: Option<Money>,
    /// The reason.
    pub reason: String,
    /// Further attributes.
    pub attributes: Vec<Attribute>,
    /// The resolved refund. `None` until the payment is known.
    pub refund: Option<Refund>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// A voided order.
#[derive(Clone, Debug, PartialEq)]
pub struct VoidRow {
    /// The caller's id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// Never changes after acceptance.
    pub cancellation: Cancellation,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// Sums of a shift.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftSums {
    /// Totals by kind of tender, in order of appearance.
    pub tenders: Vec<TenderTotal>,
    /// The number of sales and refunds.
    pub transactions: u32,
    /// Sales, net of tax.
    pub net_sales: Money,
    /// Refunds, net of tax, positive.
    pub net_refunds: Money,
    /// Tax of sales minus tax of refunds.
    pub tax: Money,
}

/// A shift of a drawer.
#[derive(Clone, Debug, PartialEq)]
pub struct ShiftRow {
    /// The caller's id.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// The workstation, whose sequence numbers the shift uses.
    pub workstation: String,
    /// The till.
    pub till: String,
    /// The cashier who opened it.
    pub cashier: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The cash in the drawer when it was opened.
    pub opening_float: Money,
    /// Its sums so far.
    pub sums: ShiftSums,
    /// Set when the shift is closed. Never changes afterwards.
    pub closed: Option<Shift>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

/// A line of a sale or refund for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleLine {
    /// The store's id, the first column of the order.
    pub store_id: String,
    /// The retailer's id of the store.
    pub store_external_id: String,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// In the contract's timestamp format.
    pub begun_at: String,
    /// The entry's id.
    pub entry_id: String,
    /// The line's number in the entry.
    pub number: u32,
    /// Whether the line is a return, which reduces turnover.
    pub returned: bool,
    /// Stock keeping unit.
    pub sku: String,
    /// The description on the receipt.
    pub description: String,
    /// Empty if none.
    pub category: String,
    /// The quantity.
    pub quantity: Decimal,
    /// ISO 4217.
    pub currency: String,
    /// The amount after discounts, positive.
    pub amount: Money,
    /// The amount without its taxes.
    pub net: Money,
    /// The discount.
    pub discount: Money,
    /// The code of the first tax; empty if none.
    pub tax_code: String,
    /// Sum of all taxes.
    pub tax: Money,
    /// When the host accepted it. Fixes the content of a window.
    pub accepted_at: Timestamp,
}

/// Position of a reader of sale lines, in the order of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaleLineCursor {
    /// The store's id.
    pub store_id: String,
    /// The business date.
    pub business_date: String,
    /// When the entry was started.
    pub begun_at: String,
    /// The entry's id.
    pub entry_id: String,
    /// The line's number.
    pub number: u32,
}

/// Records of stores, orders, payments, refunds, voids and shifts.
#[async_trait]
pub trait Trade {
    /// Creates or replaces a store.
    async fn store_put(&mut self, store: &Store) -> Result<(), Error>;
    /// A store by the host's id.
    async fn store_get(&mut self, id: &str) -> Result<Option<Store>, Error>;
    /// Stores after `after` in the order of ids, of one retailer or of all.
    async fn store_list(
        &mut self,
        retailer: Option<&str>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Store>, Error>;

    /// The retailers that have stores, by name.
    async fn store_retailer_list(&mut self) -> Result<Vec<String>, Error>;

    /// Stores by ids, in the order of ids, locked until the transaction ends. Unknown ids are
    /// omitted.
    async fn store_get_many(&mut self, ids: &[String]) -> Result<Vec<Store>, Error>;
    /// Adds stores that [`store_get_many`](Self::store_get_many) did not return.
    async fn store_insert_many(&mut self, stores: &[Store]) -> Result<(), Error>;
    /// Replaces stores that [`store_get_many`](Self::store_get_many) returned.
    async fn store_replace_many(&mut self, stores: &[Store]) -> Result<(), Error>;

    /// Adds an order. Returns `Error::Exists` if the id is taken.
    async fn order_insert(&mut self, order: &OrderRow) -> Result<(), Error>;
    /// An order, locked until the transaction ends.
    async fn order_get(&mut self, id: &str) -> Result<Option<OrderRow>, Error>;
    /// Locks an order until the transaction ends.
    async fn order_lock(&mut self, id: &str) -> Result<(), Error>;
    /// Marks an open order as paid, and locks it until the transaction ends. Returns it with its store, or `None` if
    /// it is unknown or not open.
    async fn order_pay(&mut self, id: &str) -> Result<Option<(OrderRow, Store)>, Error>;
    /// Sets the status of an order.
    async fn order_set_status(&mut self, id: &str, status: OrderStatus) -> Result<(), Error>;

    /// Adds a payment. Returns `Error::Exists` if the id is taken.
    async fn payment_insert(&mut self, payment: &PaymentRow) -> Result<(), Error>;
    /// A payment by id.
    async fn payment_get(&mut self, id: &str) -> Result<Option<PaymentRow>, Error>;
    /// The payment of an order.
    async fn payment_get_by_order(&mut self, order_id: &str) -> Result<Option<PaymentRow>, Error>;

    /// Adds a refund. Returns `Error::Exists` if the id is taken.
    async fn refund_insert(&mut self, refund: &RefundRow) -> Result<(), Error>;
    /// A refund by id.
    async fn refund_get(&mut self, id: &str) -> Result<Option<RefundRow>, Error>;
    /// Refunds of an order, in order of acceptance.
    async fn refund_list_by_order(&mut self, order_id: &str) -> Result<Vec<RefundRow>, Error>;
    /// Stores the result of a waiting refund.
    async fn refund_resolve(&mut self, id: &str, refund: &Refund) -> Result<(), Error>;

    /// Adds a void. Returns `Error::Exists` if the id is taken.
    async fn void_insert(&mut self, void: &VoidRow) -> Result<(), Error>;
    /// A void by id.
    async fn void_get(&mut self, id: &str) -> Result<Option<VoidRow>, Error>;

    /// Opens a shift. Returns `Error::Exists` if the id is taken.
    async fn shift_insert(&mut self, shift: &ShiftRow) -> Result<(), Error>;
    /// A shift, locked until the transaction ends.
    async fn shift_get(&mut self, id: &str) -> Result<Option<ShiftRow>, Error>;
    /// Updates the sums of a shift, or closes it.
    async fn shift_update(&mut self, shift: &ShiftRow) -> Result<(), Error>;

    /// Takes the next number of a sequence, from 1, without gaps.
    async fn number_next(&mut self, scope: &str, name: &str) -> Result<u64, Error>;

    /// Adds sale lines for reports.
    async fn sale_line_insert_many(&mut self, lines: &[SaleLine]) -> Result<(), Error>;
    /// Sale lines of a retailer's window after `after`, accepted by `as_of`, in the order of
    /// [`SaleLineCursor`]. `store_id` limits them to one store.
    #[expect(clippy::too_many_arguments, reason = "each is a bound of one query")]
    async fn sale_line_list(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        first: &str,
        last: &str,
        as_of: Timestamp,
        after: &SaleLineCursor,
        limit: u32,
    ) -> Result<Vec<SaleLine>, Error>;
}
