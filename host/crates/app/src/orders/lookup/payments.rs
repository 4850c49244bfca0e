//! Lists payments, with the amount that can still be refunded.

use super::orders::ids_of;
use crate::lists::{ListQuery, not_found};
use crate::orders::Orders;
use galleria_domain::{Entry, Line, Member, Money, Tax, Tender};
use galleria_ports::Error;
use galleria_ports::access::Caller;
use galleria_ports::in_tx;
use galleria_ports::records::{ListKind, OrderStatus, PaymentListRow, PaymentRow, Tx};
use serde::{Deserialize, Serialize};

/// A payment in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentSummary {
    /// Its id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The shift whose drawer gets the cash, if any.
    pub shift_id: Option<String>,
    /// Its numbering.
    pub entry: Entry,
    /// The tenders.
    pub tenders: Vec<Tender>,
    /// The difference by cash rounding, in minor units of the entry's currency.
    pub rounding: Money,
    /// The total without taxes.
    pub net: Money,
    /// The total of the order.
    pub gross: Money,
    /// Time of the success, RFC 3339.
    pub at: String,
    /// Time at which the host accepted it, RFC 3339; lists are sorted by it.
    pub accepted_at: String,
}

/// A page of the list of payments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentPage {
    /// Newest first.
    pub payments: Vec<PaymentSummary>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// A payment, and the amount that can still be refunded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentDetail {
    /// Its id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The shift whose drawer gets the cash, if any.
    pub shift_id: Option<String>,
    /// The id of its event.
    pub event_id: String,
    /// Its numbering.
    pub entry: Entry,
    /// The member who bought.
    pub member: Option<Member>,
    /// The lines of the sale.
    pub lines: Vec<Line>,
    /// The tenders.
    pub tenders: Vec<Tender>,
    /// The taxes of all lines, summed.
    pub taxes: Vec<Tax>,
    /// The difference by cash rounding, in minor units of the entry's currency.
    pub rounding: Money,
    /// The total without taxes.
    pub net: Money,
    /// The total of the order.
    pub gross: Money,
    /// Ids of its refunds, oldest first.
    pub refunds: Vec<String>,
    /// The refunded amount.
    pub refunded: Money,
    /// The amount that can still be refunded; 0 if the order was voided.
    pub left: Money,
    /// Time of the success, RFC 3339.
    pub at: String,
    /// Time at which the host accepted it, RFC 3339.
    pub accepted_at: String,
}

/// The paid, refunded and refundable amounts of an order, minor units.
#[derive(Clone, Copy, Default)]
pub(super) struct Balance {
    pub refunded: Money,
    pub left: Money,
}

/// The balance of an order that was paid with `gross`.
pub(super) async fn balance(
    tx: &mut dyn Tx,
    order_id: &str,
    gross: Money,
) -> Result<Balance, Error> {
    let ids = ids_of(tx, ListKind::Refunds, order_id).await?;
    let refunds = tx.refund_list_rows(&ids).await?;
    let sums = refunds.iter().filter_map(|refund| refund.sums.as_ref());
    let refunded = sums.map(|sums| sums.gross).sum();
    let order = tx.order_get(order_id).await?;
    let voided = order.is_some_and(|order| order.status == OrderStatus::Voided);
    Ok(Balance {
        refunded,
        left: if voided { 0 } else { gross - refunded },
    })
}

fn summary(row: PaymentListRow) -> PaymentSummary {
    PaymentSummary {
        id: row.id,
        order_id: row.order_id,
        store_id: row.store_id,
        shift_id: row.shift_id,
        entry: row.entry,
        tenders: row.sums.tenders,
        rounding: row.sums.rounding,
        net: row.sums.net,
        gross: row.sums.gross,
        at: row.occurred_at.to_string(),
        accepted_at: row.accepted_at.to_string(),
    }
}

fn detail(row: PaymentRow, refunds: Vec<String>, balance: Balance) -> PaymentDetail {
    let sale = row.sale;
    PaymentDetail {
        event_id: format!("payment:{}", row.id),
        id: row.id,
        order_id: row.order_id,
        store_id: row.store_id,
        shift_id: row.shift_id,
        entry: sale.entry,
        member: sale.member,
        lines: sale.lines,
        tenders: sale.tenders,
        taxes: sale.taxes,
        rounding: sale.rounding,
        net: sale.net,
        gross: sale.gross,
        refunds,
        refunded: balance.refunded,
        left: balance.left,
        at: row.occurred_at.to_string(),
        accepted_at: row.accepted_at.to_string(),
    }
}

impl Orders {
    /// Payments in the caller's reach, the newest first.
    pub async fn payments(&self, caller: &Caller, query: ListQuery) -> Result<PaymentPage, Error> {
        list_page!(
            self,
            caller,
            query,
            None,
            Payments,
            payment_list_rows,
            |tx, rows, next| {
                let payments = rows.into_iter().map(summary).collect();
                PaymentPage { payments, next }
            }
        )
    }

    /// A payment by its id.
    pub async fn payment(&self, id: &str) -> Result<PaymentDetail, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| {
                let row = tx.payment_get(&id).await?;
                let row = row.ok_or_else(|| not_found("payment", &id))?;
                let refunds = ids_of(tx, ListKind::Refunds, &row.order_id).await?;
                let balance = balance(tx, &row.order_id, row.sale.gross).await?;
                Ok(detail(row, refunds, balance))
            }))
            .await
    }
}
