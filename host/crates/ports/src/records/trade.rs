//! Stores, orders, payments, refunds, voids, shifts, and the numbers they take.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::refunding::Extent;
use galleria_domain::{
    Attribute, Cancellation, Consent, Decimal, Entry, Line, Member, Money, Refund, Sale, Shift,
    Store, Tender, TenderTotal,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// Being filled or waiting for its payment.
    Open,
    /// Paid; may be refunded or voided afterwards.
    Paid,
    /// Came to nothing.
    Voided,
}

impl OrderStatus {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Paid, Self::Voided];

    /// The word in rows and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Voided => "voided",
        }
    }
}

/// An order as placed.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRow {
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
    /// The basket.
    pub lines: Vec<Line>,
    /// Who bought.
    pub member: Option<Member>,
    /// What they allowed.
    pub consents: Vec<Consent>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
    /// What it comes to, with taxes.
    pub gross: Money,
    /// When the basket was begun.
    pub begun_at: Timestamp,
    /// When the host accepted it.
    pub created_at: Timestamp,
}

/// A payment that succeeded, and the sale it made.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentRow {
    /// The caller's id.
    pub id: String,
    /// Its order; one payment an order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The drawer, where there is one.
    pub shift_id: Option<String>,
    /// Frozen when accepted: every attempt sees the same.
    pub sale: Sale,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// A refund as asked for, and as worked out once its payment is known.
#[derive(Clone, Debug, PartialEq)]
pub struct RefundRow {
    /// The caller's id.
    pub id: String,
    /// The order it goes back to.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The drawer that paid it.
    pub shift_id: Option<String>,
    /// Its numbers, taken when accepted.
    pub entry: Entry,
    /// What was asked for.
    pub extent: Extent,
    /// How it is paid back; empty leaves it to the sale's tenders.
    pub tenders: Vec<Tender>,
    /// Cash rounding, where the caller said.
    pub rounding: Option<Money>,
    /// Why.
    pub reason: String,
    /// Further facts.
    pub attributes: Vec<Attribute>,
    /// Worked out; none while the payment has not been seen.
    pub refund: Option<Refund>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// An order that came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct VoidRow {
    /// The caller's id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// Frozen when accepted.
    pub cancellation: Cancellation,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// What a shift has taken so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftSums {
    /// By kind of tender, in order of appearance.
    pub tenders: Vec<TenderTotal>,
    /// Sales and refunds.
    pub transactions: u32,
    /// Net of tax.
    pub net_sales: Money,
    /// Net of tax, positive.
    pub net_refunds: Money,
    /// Of sales less of refunds.
    pub tax: Money,
}

/// A drawer's day.
#[derive(Clone, Debug, PartialEq)]
pub struct ShiftRow {
    /// The caller's id.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// The workstation it numbers with.
    pub workstation: String,
    /// The drawer.
    pub till: String,
    /// Who opened it.
    pub cashier: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// What was in it.
    pub opening_float: Money,
    /// What it has taken.
    pub sums: ShiftSums,
    /// Frozen when it was closed; from then on it never moves.
    pub closed: Option<Shift>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

/// A line of a sale or refund as reports read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleLine {
    /// The store's id; the order of rows begins with it.
    pub store_id: String,
    /// The retailer's id of the store.
    pub store_external_id: String,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// As the contract writes instants.
    pub begun_at: String,
    /// The entry's id.
    pub entry_id: String,
    /// The line's number in the entry.
    pub number: u32,
    /// Whether it counts against turnover.
    pub returned: bool,
    /// Stock keeping unit.
    pub sku: String,
    /// What the receipt calls it.
    pub description: String,
    /// Empty where there is none.
    pub category: String,
    /// How much.
    pub quantity: Decimal,
    /// ISO 4217.
    pub currency: String,
    /// After discounts, positive.
    pub amount: Money,
    /// The amount without its taxes.
    pub net: Money,
    /// What was taken off.
    pub discount: Money,
    /// Of the first tax; empty where there is none.
    pub tax_code: String,
    /// Sum of all taxes.
    pub tax: Money,
    /// When the host accepted it, for freezing a window.
    pub accepted_at: Timestamp,
}

/// Where a reader of sale lines stands: the order of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaleLineKey {
    /// The store's id.
    pub store_id: String,
    /// The business date.
    pub business_date: String,
    /// When the entry was begun.
    pub begun_at: String,
    /// The entry's id.
    pub entry_id: String,
    /// The line's number.
    pub number: u32,
}

/// Records of trade.
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

    /// Stores by ids, in the order of ids, locked until the transaction ends. What is not there is
    /// left out.
    async fn stores_get(&mut self, ids: &[String]) -> Result<Vec<Store>, Error>;
    /// Adds stores that [`stores_get`](Self::stores_get) has not found.
    async fn stores_insert(&mut self, stores: &[Store]) -> Result<(), Error>;
    /// Replaces stores that [`stores_get`](Self::stores_get) has found.
    async fn stores_replace(&mut self, stores: &[Store]) -> Result<(), Error>;

    /// Adds an order; `Error::Exists` where the id is taken.
    async fn order_insert(&mut self, order: &OrderRow) -> Result<(), Error>;
    /// An order, locked until the transaction ends.
    async fn order_get(&mut self, id: &str) -> Result<Option<OrderRow>, Error>;
    /// Waits until no other transaction has the order, and keeps it from them until this one ends.
    async fn order_lock(&mut self, id: &str) -> Result<(), Error>;
    /// Moves an order on.
    async fn order_set_status(&mut self, id: &str, status: OrderStatus) -> Result<(), Error>;

    /// Adds a payment; `Error::Exists` where the id is taken.
    async fn payment_insert(&mut self, payment: &PaymentRow) -> Result<(), Error>;
    /// A payment by id.
    async fn payment_get(&mut self, id: &str) -> Result<Option<PaymentRow>, Error>;
    /// The payment of an order.
    async fn payment_of_order(&mut self, order_id: &str) -> Result<Option<PaymentRow>, Error>;

    /// Adds a refund; `Error::Exists` where the id is taken.
    async fn refund_insert(&mut self, refund: &RefundRow) -> Result<(), Error>;
    /// A refund by id.
    async fn refund_get(&mut self, id: &str) -> Result<Option<RefundRow>, Error>;
    /// Refunds of an order in the order they were accepted.
    async fn refunds_of_order(&mut self, order_id: &str) -> Result<Vec<RefundRow>, Error>;
    /// Freezes what a waiting refund came to.
    async fn refund_resolve(&mut self, id: &str, refund: &Refund) -> Result<(), Error>;

    /// Adds a void; `Error::Exists` where the id is taken.
    async fn void_insert(&mut self, void: &VoidRow) -> Result<(), Error>;
    /// A void by id.
    async fn void_get(&mut self, id: &str) -> Result<Option<VoidRow>, Error>;

    /// Opens a shift; `Error::Exists` where the id is taken.
    async fn shift_insert(&mut self, shift: &ShiftRow) -> Result<(), Error>;
    /// A shift, locked until the transaction ends.
    async fn shift_get(&mut self, id: &str) -> Result<Option<ShiftRow>, Error>;
    /// Writes what a shift has taken, or that it is closed.
    async fn shift_update(&mut self, shift: &ShiftRow) -> Result<(), Error>;

    /// Takes the next number of a line of numbers, from 1, without gaps.
    async fn number_next(&mut self, scope: &str, name: &str) -> Result<u64, Error>;

    /// Adds rows for reports.
    async fn sale_lines_insert(&mut self, lines: &[SaleLine]) -> Result<(), Error>;
    /// Rows of a retailer's window after `after`, accepted no later than `as_of`, in the order of [`SaleLineKey`].
    /// `store_id` narrows to one store.
    #[expect(clippy::too_many_arguments, reason = "each is a bound of one query")]
    async fn sale_lines_page(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        first: &str,
        last: &str,
        as_of: Timestamp,
        after: &SaleLineKey,
        limit: u32,
    ) -> Result<Vec<SaleLine>, Error>;
}
