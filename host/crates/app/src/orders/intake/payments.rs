//! Accepts a successful payment: the order becomes a sale, and its event is appended to the log, in
//! one transaction.

use super::{
    Numbering, Taking, answer, check_id, count_in_shift, note_entry, order_of, report_rows,
    take_entry,
};
use crate::core::{IdempotencyKey, Reply};
use crate::fiscal;
use crate::orders::Orders;
use crate::settlement::tenders_of;
use galleria_domain::event::topic;
use galleria_domain::selling::{Sums, check_paid, sum_lines};
use galleria_domain::{Entry, JsonText, Money, NewEvent, Sale, Tender};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{ActivityKind, OrderRow, OrderStatus, PaymentRow, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A successful payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// The caller's id, unique in the platform.
    pub id: String,
    /// Time of the success, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// The tenders.
    pub tenders: Vec<Tender>,
    /// The difference by cash rounding, minor units.
    #[serde(default)]
    pub rounding: Money,
    /// The shift whose drawer gets the cash, if any.
    pub shift_id: Option<String>,
}

/// An accepted payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentView {
    /// Its id.
    pub id: String,
    /// The id of its event.
    pub event_id: String,
    /// Its numbering.
    pub entry: Entry,
    /// The total of the order, minor units.
    pub gross: Money,
}

impl Orders {
    /// Accepts a payment.
    pub async fn accept_payment(
        &self,
        key: IdempotencyKey,
        order_id: &str,
        new: NewPayment,
    ) -> Result<Reply, Error> {
        check_id("id", &new.id)?;
        let (now, order_id) = (self.core.clock.now(), order_id.to_owned());
        let early_from = self.fiscal.early_from(now);
        self.core
            .append_once(
                key,
                201,
                in_tx!(|tx, new, order_id| accept(tx, &order_id, new, now, early_from).await),
            )
            .await
    }
}

async fn accept(
    tx: &mut dyn Tx,
    order_id: &str,
    new: NewPayment,
    now: Timestamp,
    early_from: Timestamp,
) -> Result<serde_json::Value, Error> {
    let (order, store) = match tx.order_pay(order_id).await? {
        Some(paid) => paid,
        None => {
            must_be_open(&order_of(tx, order_id).await?)?;
            // It was created after the first statement.
            let paid = tx.order_pay(order_id).await?;
            paid.ok_or_else(|| Error::Internal(format!("order {order_id} is locked and open")))?
        }
    };
    let basket = sum_lines(&order.lines, store.minor_digits).map_err(Error::Invalid)?;
    let cash_step = store.cash_step_in_minor();
    check_paid(&new.tenders, basket.gross, new.rounding, cash_step).map_err(Error::Invalid)?;
    let numbering = Numbering {
        id: &new.id,
        order: Some(&order),
        workstation: &order.workstation,
        cashier: order.cashier.as_deref(),
        begun_at: order.begun_at,
        ended_at: new.at,
    };
    let entry = take_entry(tx, &store, numbering).await?;
    let sale = sale(&order, entry.clone(), basket, &new);
    let taking = Taking {
        entry: &entry,
        tenders: &sale.tenders,
        net: sale.net,
        tax: sale.gross - sale.net,
        back: false,
    };
    count_in_shift(tx, &store, new.shift_id.as_deref(), &taking).await?;
    let row = PaymentRow {
        id: new.id.clone(),
        order_id: order.id.clone(),
        store_id: store.id.clone(),
        shift_id: new.shift_id,
        sale,
        occurred_at: new.at,
        accepted_at: now,
    };
    // Check the id first, so that a duplicate is reported as a payment.
    tx.payment_insert(&row).await?;
    let sale = &row.sale;
    let rows = report_rows(&store, &entry, &sale.lines, false, now);
    tx.sale_line_insert_many(&rows).await?;
    let tenders = tenders_of(&store, &entry, &sale.tenders, false);
    tx.tender_insert_many(&tenders, now).await?;
    let kind = ActivityKind::Sale;
    note_entry(tx, &store, kind, &entry, order.begun_at, now).await?;
    let gross = sale.gross;
    super::resolve_waiting(tx, &store, &order.id, now).await?;
    let event_id = format!("payment:{}", new.id);
    let event = NewEvent {
        id: event_id.clone(),
        topic: topic::POST_PAYMENT_SUCCESS.into(),
        key: Some(order.id.clone()),
        store: Some(store.id.clone()),
        data: JsonText::of(&json!({ "payment_id": new.id, "order_id": order.id }))?,
    };
    tx.event_append(&event, now).await?;
    fiscal::register(tx, &store, &entry, "", now, early_from).await?;
    answer(&PaymentView {
        id: new.id,
        event_id,
        entry,
        gross,
    })
}

fn must_be_open(order: &OrderRow) -> Result<(), Error> {
    let (code, word) = match order.status {
        OrderStatus::Open => return Ok(()),
        OrderStatus::Paid => ("order_paid", "paid"),
        OrderStatus::Voided => ("order_voided", "voided"),
    };
    Err(Error::Conflict {
        code,
        message: format!("order {} is already {word}", order.id),
    })
}

fn sale(order: &OrderRow, entry: Entry, sums: Sums, new: &NewPayment) -> Sale {
    let Sums { taxes, gross, net } = sums;
    Sale {
        entry,
        member: order.member.clone(),
        lines: order.lines.clone(),
        tenders: new.tenders.clone(),
        taxes,
        rounding: new.rounding,
        net,
        gross,
        consents: order.consents.clone(),
        attributes: order.attributes.clone(),
    }
}
