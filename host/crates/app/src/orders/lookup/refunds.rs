//! Lists refunds, with the requested extent, the refunded amount, and the amount that can still be
//! refunded.

use super::payments::{Balance, balance};
use crate::lists::{ListQuery, not_found};
use crate::orders::Orders;
use galleria_domain::refunding::Extent;
use galleria_domain::{Attribute, Entry, Line, Money, Tax, Tender};
use galleria_ports::Error;
use galleria_ports::access::Caller;
use galleria_ports::in_tx;
use galleria_ports::records::{RefundListRow, RefundRow};
use serde::{Deserialize, Serialize};

/// A refund in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundSummary {
    /// Its id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The shift whose drawer paid it.
    pub shift_id: Option<String>,
    /// Its numbering.
    pub entry: Entry,
    /// The requested extent.
    pub extent: Extent,
    /// The reason.
    pub reason: String,
    /// `booked`, or `waiting` until the payment arrives. A refund that exceeds the payment stays
    /// `waiting`, and its event becomes a dead letter.
    pub status: String,
    /// The tenders; empty while it is waiting.
    pub tenders: Vec<Tender>,
    /// The difference by cash rounding, in minor units of the entry's currency; null while it is waiting.
    pub rounding: Option<Money>,
    /// The refunded amount, in minor units of the entry's currency; null while it is waiting.
    pub gross: Option<Money>,
    /// Time at which it happened, RFC 3339.
    pub at: String,
    /// Time at which the host accepted it, RFC 3339; lists are sorted by it.
    pub accepted_at: String,
}

/// A page of the list of refunds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundPage {
    /// Newest first.
    pub refunds: Vec<RefundSummary>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// A refund, and the amount that can still be refunded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundDetail {
    /// Its id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The payment; null until it arrives.
    pub payment_id: Option<String>,
    /// The store's id.
    pub store_id: String,
    /// The shift whose drawer paid it.
    pub shift_id: Option<String>,
    /// The id of its event.
    pub event_id: String,
    /// Its numbering.
    pub entry: Entry,
    /// The requested extent.
    pub extent: Extent,
    /// The reason.
    pub reason: String,
    /// `booked`, or `waiting` until the payment arrives.
    pub status: String,
    /// The refunded lines, each with its `origin_line`; empty for a refund by amount.
    pub lines: Vec<Line>,
    /// The tenders; the requested ones while it is waiting.
    pub tenders: Vec<Tender>,
    /// The taxes of all lines, summed.
    pub taxes: Vec<Tax>,
    /// The difference by cash rounding, in minor units of the entry's currency.
    pub rounding: Option<Money>,
    /// The amount without taxes; null while it is waiting.
    pub net: Option<Money>,
    /// The refunded amount; null while it is waiting.
    pub gross: Option<Money>,
    /// The sum of all refunds of the order so far.
    pub refunded: Money,
    /// The amount of the payment that can still be refunded; null until the payment arrives.
    pub left: Option<Money>,
    /// Further named values.
    pub attributes: Vec<Attribute>,
    /// Time at which it happened, RFC 3339.
    pub at: String,
    /// Time at which the host accepted it, RFC 3339.
    pub accepted_at: String,
}

fn status(booked: bool) -> String {
    if booked { "booked" } else { "waiting" }.into()
}

fn summary(row: RefundListRow) -> RefundSummary {
    let (tenders, rounding, gross) = match row.sums {
        Some(sums) => (sums.tenders, Some(sums.rounding), Some(sums.gross)),
        None => (Vec::new(), None, None),
    };
    RefundSummary {
        id: row.id,
        order_id: row.order_id,
        store_id: row.store_id,
        shift_id: row.shift_id,
        entry: row.entry,
        extent: row.extent,
        reason: row.reason,
        status: status(gross.is_some()),
        tenders,
        rounding,
        gross,
        at: row.occurred_at.to_string(),
        accepted_at: row.accepted_at.to_string(),
    }
}

fn detail(row: RefundRow, payment_id: Option<String>, balance: Balance) -> RefundDetail {
    let mut view = RefundDetail {
        event_id: format!("refund:{}", row.id),
        id: row.id,
        order_id: row.order_id,
        store_id: row.store_id,
        shift_id: row.shift_id,
        entry: row.entry,
        extent: row.extent,
        reason: row.reason,
        status: status(row.refund.is_some()),
        lines: Vec::new(),
        tenders: row.tenders,
        taxes: Vec::new(),
        rounding: row.rounding,
        net: None,
        gross: None,
        refunded: balance.refunded,
        left: payment_id.is_some().then_some(balance.left),
        payment_id,
        attributes: row.attributes,
        at: row.occurred_at.to_string(),
        accepted_at: row.accepted_at.to_string(),
    };
    if let Some(refund) = row.refund {
        view.lines = refund.lines;
        view.tenders = refund.tenders;
        view.taxes = refund.taxes;
        view.rounding = Some(refund.rounding);
        view.net = Some(refund.net);
        view.gross = Some(refund.gross);
    }
    view
}

impl Orders {
    /// Refunds in the caller's reach, the newest first.
    pub async fn refunds(&self, caller: &Caller, query: ListQuery) -> Result<RefundPage, Error> {
        list_page!(
            self,
            caller,
            query,
            None,
            Refunds,
            refund_list_rows,
            |tx, rows, next| {
                let refunds = rows.into_iter().map(summary).collect();
                RefundPage { refunds, next }
            }
        )
    }

    /// A refund by its id.
    pub async fn refund(&self, id: &str) -> Result<RefundDetail, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| {
                let row = tx.refund_get(&id).await?;
                let row = row.ok_or_else(|| not_found("refund", &id))?;
                let payment = tx.payment_get_by_order(&row.order_id).await?;
                let gross = payment.as_ref().map_or(0, |payment| payment.sale.gross);
                let balance = balance(tx, &row.order_id, gross).await?;
                Ok(detail(row, payment.map(|payment| payment.id), balance))
            }))
            .await
    }
}
