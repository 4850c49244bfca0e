//! Lists orders, and looks up the outcome of an order: its payment, refunds, void and
//! verifications.

use crate::lists::{Currencies, ListQuery};
use crate::orders::Orders;
use galleria_domain::{Member, Money, Tender};
use galleria_ports::Error;
use galleria_ports::access::Caller;
use galleria_ports::records::{
    ListFilter, ListKind, ListScope, OrderListRow, OrderStatus, PaymentListRow, StatusFilter, Tx,
};
use serde::{Deserialize, Serialize};

/// An order in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderSummary {
    /// Its id.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// The order number of the retailer's own system.
    pub external_id: Option<String>,
    /// The workstation.
    pub workstation: String,
    /// The cashier; null for self-checkout.
    pub cashier: Option<String>,
    /// A training order does not count as turnover.
    pub training: bool,
    /// `open`, `paid` or `voided`.
    pub status: String,
    /// The member who buys.
    pub member: Option<Member>,
    /// ISO 4217.
    pub currency: String,
    /// The total including taxes, minor units.
    pub gross: Money,
    /// Time of the first line, RFC 3339.
    pub begun_at: String,
    /// Time at which the host accepted it, RFC 3339; lists are sorted by it.
    pub accepted_at: String,
}

/// A page of the list of orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderPage {
    /// Newest first.
    pub orders: Vec<OrderSummary>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// The payment of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaidBy {
    /// Its id.
    pub id: String,
    /// The receipt number.
    pub receipt: String,
    /// The business date, `YYYY-MM-DD`.
    pub business_date: String,
    /// The tenders.
    pub tenders: Vec<Tender>,
    /// The difference by cash rounding, minor units.
    pub rounding: Money,
    /// Time of the success, RFC 3339.
    pub at: String,
    /// Time at which the host accepted it, RFC 3339.
    pub accepted_at: String,
}

/// The outcome of an order.
#[derive(Default)]
pub(in crate::orders) struct OrderOutcome {
    pub(in crate::orders) payment: Option<PaidBy>,
    pub(in crate::orders) refunds: Vec<String>,
    pub(in crate::orders) void_id: Option<String>,
    pub(in crate::orders) verifications: Vec<String>,
}

/// The outcome of an order so far; ids with the earliest first.
pub(in crate::orders) async fn order_outcome(
    tx: &mut dyn Tx,
    order_id: &str,
) -> Result<OrderOutcome, Error> {
    let mut payments = ids_of(tx, ListKind::Payments, order_id).await?;
    payments.truncate(1);
    let payment = tx.payment_list_rows(&payments).await?.pop();
    let voids = ids_of(tx, ListKind::Voids, order_id).await?;
    Ok(OrderOutcome {
        payment: payment.map(paid_by),
        refunds: ids_of(tx, ListKind::Refunds, order_id).await?,
        void_id: voids.into_iter().next(),
        verifications: ids_of(tx, ListKind::Verifications, order_id).await?,
    })
}

pub(super) async fn ids_of(
    tx: &mut dyn Tx,
    listing: ListKind,
    order_id: &str,
) -> Result<Vec<String>, Error> {
    let place = ListScope::Order(order_id.to_owned());
    let keys = tx
        .list_cursors(listing, &place, &ListFilter::default(), u32::MAX)
        .await?;
    Ok(keys.into_iter().rev().map(|key| key.id).collect())
}

fn paid_by(row: PaymentListRow) -> PaidBy {
    PaidBy {
        id: row.id,
        receipt: row.entry.receipt,
        business_date: row.entry.business_date,
        tenders: row.sums.tenders,
        rounding: row.sums.rounding,
        at: row.occurred_at.to_string(),
        accepted_at: row.accepted_at.to_string(),
    }
}

fn summary(row: OrderListRow, currency: String) -> OrderSummary {
    OrderSummary {
        id: row.id,
        store_id: row.store_id,
        external_id: row.external_id,
        workstation: row.workstation,
        cashier: row.cashier,
        training: row.training,
        status: row.status.name().into(),
        member: row.member,
        currency,
        gross: row.gross,
        begun_at: row.begun_at.to_string(),
        accepted_at: row.created_at.to_string(),
    }
}

impl Orders {
    /// Orders in the caller's reach, the newest first.
    pub async fn list(
        &self,
        caller: &Caller,
        query: ListQuery,
        status: Option<OrderStatus>,
    ) -> Result<OrderPage, Error> {
        let status = status.map(StatusFilter::Order);
        list_page!(
            self,
            caller,
            query,
            status,
            Orders,
            order_list_rows,
            |tx, rows, next| {
                let (mut currencies, mut orders) = (Currencies::default(), Vec::new());
                for row in rows {
                    let currency = currencies.of(tx, &row.store_id).await?;
                    orders.push(summary(row, currency));
                }
                OrderPage { orders, next }
            }
        )
    }
}
