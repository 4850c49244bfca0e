//! Accepts a refund. If it arrives before its payment, it is stored as requested and resolved in
//! the transaction that accepts the payment.

use super::{
    Numbering, Taking, answer, check_id, count_in_shift, note_entry, order_of, report_rows,
    store_of, take_entry,
};
use crate::core::{IdempotencyKey, Reply};
use crate::fiscal;
use crate::orders::Orders;
use crate::settlement::tenders_of;
use galleria_domain::event::{identifier, topic};
use galleria_domain::refunding::{Extent, ResolvedRefund, check_cash, resolve};
use galleria_domain::{
    Attribute, Entry, JsonText, Money, NewEvent, Origin, Problem, Refund, Store, Tender,
};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{ActivityKind, PaymentRow, RefundRow, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A refund to record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// The caller's id, unique in the platform.
    pub id: String,
    /// Time at which it happened, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// The reason.
    pub reason: String,
    /// The extent.
    pub extent: Extent,
    /// The tenders; if empty, the payment's, with cash in multiples of the store's cash step.
    #[serde(default)]
    pub tenders: Vec<Tender>,
    /// The difference by cash rounding, minor units; the host calculates it if it is absent.
    pub rounding: Option<Money>,
    /// The shift whose drawer pays it.
    pub shift_id: Option<String>,
    /// The workstation; the one of the order if it is absent.
    pub workstation: Option<String>,
    /// The cashier.
    pub cashier: Option<String>,
    /// Further named values.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// An accepted refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundView {
    /// Its id.
    pub id: String,
    /// The id of its event.
    pub event_id: String,
    /// Its numbering.
    pub entry: Entry,
    /// The refunded amount, minor units; null until the payment arrives.
    pub gross: Option<Money>,
    /// The tenders to pay back: their amounts sum to `gross` plus `rounding`. Empty if there is nothing to pay;
    /// the requested ones until the payment arrives.
    pub tenders: Vec<Tender>,
    /// The difference by cash rounding, minor units; the requested one until the payment arrives.
    pub rounding: Option<Money>,
}

impl Orders {
    /// Accepts a refund.
    pub async fn accept_refund(
        &self,
        key: IdempotencyKey,
        order_id: &str,
        new: NewRefund,
    ) -> Result<Reply, Error> {
        check_id("id", &new.id)?;
        if let Some(workstation) = &new.workstation {
            check_id("workstation", workstation)?;
        }
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
    new: NewRefund,
    now: Timestamp,
    early_from: Timestamp,
) -> Result<serde_json::Value, Error> {
    let order = order_of(tx, order_id).await?;
    let store = store_of(tx, &order.store_id).await?;
    if order.status == galleria_ports::records::OrderStatus::Voided {
        return Err(Error::Conflict {
            code: "order_voided",
            message: format!("order {order_id} is voided and cannot be refunded"),
        });
    }
    let payment = tx.payment_get_by_order(order_id).await?;
    check_cash(&new.tenders, store.cash_step_in_minor()).map_err(Error::Invalid)?;
    if payment.is_none() && new.shift_id.is_some() {
        return Err(Error::Conflict {
            code: "order_not_paid",
            message: format!(
                "order {order_id} is not paid: send the payment first, or omit shift_id"
            ),
        });
    }
    let numbering = Numbering {
        id: &new.id,
        order: Some(&order),
        workstation: new.workstation.as_ref().unwrap_or(&order.workstation),
        cashier: new.cashier.as_deref(),
        begun_at: new.at,
        ended_at: new.at,
    };
    let entry = take_entry(tx, &store, numbering).await?;
    let mut row = RefundRow {
        id: new.id,
        order_id: order_id.to_owned(),
        store_id: store.id.clone(),
        shift_id: new.shift_id,
        entry: entry.clone(),
        extent: new.extent,
        tenders: new.tenders,
        rounding: new.rounding,
        reason: new.reason,
        attributes: new.attributes,
        refund: None,
        occurred_at: new.at,
        accepted_at: now,
    };
    if let Some(payment) = &payment {
        row.refund = match work_out(tx, &store, &row, payment).await? {
            Resolution::Refund(refund) => Some(*refund),
            Resolution::Invalid(problems) => return Err(Error::Invalid(problems)),
        };
    }
    // Check the id first, so that a duplicate is reported as a refund.
    tx.refund_insert(&row).await?;
    if let Some(refund) = &row.refund {
        book(tx, &store, &row, refund, now).await?;
    }
    let event_id = format!("refund:{}", row.id);
    let event = NewEvent {
        id: event_id.clone(),
        topic: topic::COMMON.into(),
        key: Some(order_id.to_owned()),
        store: Some(store.id.clone()),
        data: JsonText::of(&json!({
            "order_id": order_id,
            "consumer_identifier_key": identifier::POST_REFUND_SUCCESS,
            "refund_id": row.id,
        }))?,
    };
    tx.event_append(&event, now).await?;
    fiscal::register(tx, &store, &entry, &row.id, now, early_from).await?;
    answer(&RefundView {
        id: row.id,
        event_id,
        entry,
        gross: row.refund.as_ref().map(|refund| refund.gross),
        rounding: match &row.refund {
            Some(refund) => Some(refund.rounding),
            None => row.rounding,
        },
        tenders: row.refund.map_or(row.tenders, |refund| refund.tenders),
    })
}

/// The resolution of a requested refund.
enum Resolution {
    Refund(Box<Refund>),
    Invalid(Vec<Problem>),
}

/// Resolves a refund, after those accepted before it.
async fn work_out(
    tx: &mut dyn Tx,
    store: &Store,
    row: &RefundRow,
    payment: &PaymentRow,
) -> Result<Resolution, Error> {
    let rows = tx.refund_list_by_order(&row.order_id).await?;
    let before = rows.into_iter().take_while(|other| other.id != row.id);
    let earlier: Vec<Refund> = before.filter_map(|other| other.refund).collect();
    let resolved = resolve(
        &payment.sale,
        &earlier,
        &row.extent,
        row.tenders.clone(),
        row.rounding,
        store.cash_step_in_minor(),
    );
    let ResolvedRefund {
        lines,
        tenders,
        taxes,
        gross,
        net,
        rounding,
    } = match resolved {
        Ok(resolved) => resolved,
        Err(problems) => return Ok(Resolution::Invalid(problems)),
    };
    Ok(Resolution::Refund(Box::new(Refund {
        entry: row.entry.clone(),
        origin: Origin::Sale(Box::new(payment.sale.clone())),
        earlier: earlier.into_iter().map(|refund| refund.entry).collect(),
        reason: row.reason.clone(),
        lines,
        tenders,
        taxes,
        rounding,
        net,
        gross,
        attributes: row.attributes.clone(),
    })))
}

/// Counts a refund in its drawer, in the reports and in the day of the store.
async fn book(
    tx: &mut dyn Tx,
    store: &Store,
    row: &RefundRow,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), Error> {
    let taking = Taking {
        entry: &row.entry,
        tenders: &refund.tenders,
        net: refund.net,
        tax: refund.gross - refund.net,
        back: true,
    };
    count_in_shift(tx, store, row.shift_id.as_deref(), &taking).await?;
    let rows = report_rows(store, &row.entry, &refund.lines, true, now);
    tx.sale_line_insert_many(&rows).await?;
    let tenders = tenders_of(store, &row.entry, &refund.tenders, true);
    tx.tender_insert_many(&tenders, now).await?;
    let kind = ActivityKind::Refund;
    note_entry(tx, store, kind, &row.entry, row.occurred_at, now).await
}

/// Resolves the refunds that were accepted before the payment of their order. A refund that exceeds
/// the payment stays unresolved: its event finds the problems and becomes a dead letter.
pub(crate) async fn resolve_waiting(
    tx: &mut dyn Tx,
    store: &Store,
    order_id: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let waiting = tx.refund_list_by_order(order_id).await?;
    if waiting.iter().all(|row| row.refund.is_some()) {
        return Ok(());
    }
    let Some(payment) = tx.payment_get_by_order(order_id).await? else {
        return Ok(());
    };
    for row in waiting.iter().filter(|row| row.refund.is_none()) {
        if let Resolution::Refund(refund) = work_out(tx, store, row, &payment).await? {
            book(tx, store, row, &refund, now).await?;
            tx.refund_resolve(&row.id, &refund).await?;
        }
    }
    Ok(())
}

/// The problems of a refund that cannot be resolved although its payment is known.
pub(crate) async fn problems_of(
    tx: &mut dyn Tx,
    row: &RefundRow,
    payment: &PaymentRow,
) -> Result<Vec<Problem>, Error> {
    let store = store_of(tx, &row.store_id).await?;
    Ok(match work_out(tx, &store, row, payment).await? {
        Resolution::Refund(_) => Vec::new(),
        Resolution::Invalid(problems) => problems,
    })
}
