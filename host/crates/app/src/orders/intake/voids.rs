//! Accepts a void: ends an unpaid order, or reverses a paid one.

use super::{
    Numbering, Taking, answer, check_id, count_in_shift, note_entry, order_of, report_rows,
    store_of, take_entry,
};
use crate::core::{IdempotencyKey, Reply};
use crate::orders::Orders;
use galleria_domain::event::topic;
use galleria_domain::{
    Attribute, Cancellation, Entry, JsonText, Line, NewEvent, Origin, Sale, Store, VoidCause,
};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{ActivityKind, OrderRow, OrderStatus, Tx, VoidRow};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A void to record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewVoid {
    /// The caller's id, unique in the platform.
    pub id: String,
    /// Time at which it happened, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// `post_void` reverses a paid order; the others end an unpaid order.
    pub cause: VoidCause,
    /// The shift whose drawer pays back a post-void.
    pub shift_id: Option<String>,
    /// The cashier.
    pub cashier: Option<String>,
    /// Further named values.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// An accepted void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoidView {
    /// Its id.
    pub id: String,
    /// The id of its event.
    pub event_id: String,
    /// Its numbering.
    pub entry: Entry,
}

impl Orders {
    /// Accepts a void.
    pub async fn accept_void(
        &self,
        key: IdempotencyKey,
        order_id: &str,
        new: NewVoid,
    ) -> Result<Reply, Error> {
        check_id("id", &new.id)?;
        let (now, order_id) = (self.core.clock.now(), order_id.to_owned());
        self.core
            .append_once(
                key,
                201,
                in_tx!(|tx, new, order_id| accept(tx, &order_id, new, now).await),
            )
            .await
    }
}

async fn accept(
    tx: &mut dyn Tx,
    order_id: &str,
    new: NewVoid,
    now: Timestamp,
) -> Result<serde_json::Value, Error> {
    let order = order_of(tx, order_id).await?;
    let store = store_of(tx, &order.store_id).await?;
    let sale = what_is_undone(tx, &order, &new.cause).await?;
    let numbering = Numbering {
        id: &new.id,
        order: Some(&order),
        workstation: &order.workstation,
        cashier: new.cashier.as_deref(),
        begun_at: new.at,
        ended_at: new.at,
    };
    let entry = take_entry(tx, &store, numbering).await?;
    if let Some(sale) = &sale {
        take_back(tx, &store, &entry, sale, new.shift_id.as_deref(), now).await?;
        tx.tender_void(&sale.entry.id).await?;
    }
    let cancellation = Cancellation {
        entry: entry.clone(),
        cause: new.cause,
        origin: sale.map_or(Origin::None, |sale| Origin::Sale(Box::new(sale))),
        lines: order.lines,
        attributes: new.attributes,
    };
    tx.void_insert(&VoidRow {
        id: new.id.clone(),
        order_id: order_id.to_owned(),
        store_id: store.id.clone(),
        cancellation,
        occurred_at: new.at,
        accepted_at: now,
    })
    .await?;
    tx.order_set_status(order_id, OrderStatus::Voided).await?;
    note_entry(tx, &store, ActivityKind::Void, &entry, new.at, now).await?;
    let event_id = format!("void:{}", new.id);
    let event = NewEvent {
        id: event_id.clone(),
        topic: topic::POST_VOID_SUCCESS.into(),
        key: Some(order_id.to_owned()),
        store: Some(store.id),
        data: JsonText::of(&json!({ "order_id": order_id, "void_id": new.id }))?,
    };
    tx.event_append(&event, now).await?;
    answer(&VoidView {
        id: new.id,
        event_id,
        entry,
    })
}

/// The sale that a post-void reverses. `None` if the order was never paid.
async fn what_is_undone(
    tx: &mut dyn Tx,
    order: &OrderRow,
    cause: &VoidCause,
) -> Result<Option<Sale>, Error> {
    let conflict = |code, message| Err(Error::Conflict { code, message });
    let id = &order.id;
    match (order.status, cause) {
        (OrderStatus::Voided, _) => {
            conflict("order_voided", format!("order {id} is already voided"))
        }
        (OrderStatus::Open, VoidCause::PostVoid) => conflict(
            "order_not_paid",
            format!("order {id} is not paid: there is nothing to undo"),
        ),
        (OrderStatus::Open, _) => {
            if tx.refund_list_by_order(id).await?.is_empty() {
                Ok(None)
            } else {
                conflict(
                    "order_refunded",
                    format!("order {id} has a refund that waits for its payment"),
                )
            }
        }
        (OrderStatus::Paid, VoidCause::PostVoid) => {
            if !tx.refund_list_by_order(id).await?.is_empty() {
                return conflict(
                    "order_refunded",
                    format!("order {id} is partly refunded: refund the rest"),
                );
            }
            Ok(tx
                .payment_get_by_order(id)
                .await?
                .map(|payment| payment.sale))
        }
        (OrderStatus::Paid, _) => conflict(
            "order_paid",
            format!("order {id} is paid: only post_void undoes it"),
        ),
    }
}

/// Negates the amounts of a sale, in the drawer and in the reports.
async fn take_back(
    tx: &mut dyn Tx,
    store: &Store,
    entry: &Entry,
    sale: &Sale,
    shift_id: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let taking = Taking {
        entry,
        tenders: &sale.tenders,
        net: sale.net,
        tax: sale.gross - sale.net,
        back: true,
    };
    count_in_shift(tx, store, shift_id, &taking).await?;
    // Sales become returns, and returns become sales.
    let (for_it, against): (Vec<Line>, Vec<Line>) = sale
        .lines
        .iter()
        .cloned()
        .partition(|line| !line.is_return());
    let mut rows = report_rows(store, entry, &for_it, true, now);
    let mut turned = report_rows(store, entry, &against, false, now);
    for row in &mut turned {
        row.returned = false;
    }
    rows.append(&mut turned);
    tx.sale_line_insert_many(&rows).await
}
