//! Writes of callers: each has a request, a use case and a response, in one transaction.

mod movements;
mod orders;
mod payments;
mod refunds;
mod shifts;
mod taxes;
mod verifications;
mod voids;

pub use movements::{MovementView, NewMovement};
pub use orders::{NewOrder, OrderView};
pub use payments::{NewPayment, PaymentView};
pub use refunds::{NewRefund, RefundView};
pub use shifts::{EndShift, NewShift, ShiftView};
pub use verifications::{NewVerification, VerificationView};
pub use voids::{NewVoid, VoidView};

pub(crate) use refunds::{problems_of, resolve_waiting};

use crate::core::store_of;
use crate::request::{answer, check_id, refuse};
use galleria_domain::{Entry, Line, Money, Store, Tender, TenderTotal};
use galleria_ports::Error;
use galleria_ports::records::{ActivityKind, ActivityRow, OrderRow, SaleLine, ShiftRow, Tx};
use jiff::Timestamp;

async fn order_of(tx: &mut dyn Tx, id: &str) -> Result<OrderRow, Error> {
    tx.order_get(id).await?.ok_or_else(|| Error::NotFound {
        what: "order",
        id: id.to_owned(),
    })
}

/// The open shift of the store with this id.
async fn open_shift(tx: &mut dyn Tx, id: &str, store: &Store) -> Result<ShiftRow, Error> {
    let shift = tx.shift_get(id).await?.ok_or_else(|| Error::NotFound {
        what: "shift",
        id: id.to_owned(),
    })?;
    if shift.store_id != store.id {
        return Err(Error::invalid(
            "shift_id",
            "must be a shift of the order's store",
        ));
    }
    if shift.closed.is_some() {
        return Err(Error::Conflict {
            code: "shift_closed",
            message: format!("shift {id} is closed and accepts no further entries"),
        });
    }
    Ok(shift)
}

/// The numbering of an entry, and its subject.
struct Numbering<'a> {
    id: &'a str,
    order: Option<&'a OrderRow>,
    workstation: &'a str,
    cashier: Option<&'a str>,
    begun_at: Timestamp,
    ended_at: Timestamp,
}

/// Takes the next number of the workstation in the transaction that accepts the event. So there are
/// no gaps, and every attempt sees the same number.
async fn take_entry(
    tx: &mut dyn Tx,
    store: &Store,
    numbering: Numbering<'_>,
) -> Result<Entry, Error> {
    let Numbering {
        id,
        order,
        workstation,
        cashier,
        begun_at,
        ended_at,
    } = numbering;
    let scope = format!("{}/{workstation}", store.id);
    let sequence = tx.number_next(&scope, "entry").await?;
    Ok(Entry {
        id: id.to_owned(),
        order_id: order.map(|order| order.id.clone()).unwrap_or_default(),
        external_id: order.and_then(|order| order.external_id.clone()),
        workstation: workstation.to_owned(),
        sequence,
        receipt: format!("{workstation}-{sequence:06}"),
        cashier: cashier.map(ToOwned::to_owned),
        business_date: store.business_date(ended_at).to_string(),
        begun_at: store.local_text(begun_at),
        ended_at: store.local_text(ended_at),
        currency: store.currency.clone(),
        training: order.is_some_and(|order| order.training),
    })
}

/// The amounts that an entry adds to a drawer or removes from it.
struct Taking<'a> {
    entry: &'a Entry,
    tenders: &'a [Tender],
    net: Money,
    tax: Money,
    back: bool,
}

/// Counts an entry in its drawer. A training entry moves no money, but its drawer must be open.
async fn count_in_shift(
    tx: &mut dyn Tx,
    store: &Store,
    shift_id: Option<&str>,
    taking: &Taking<'_>,
) -> Result<(), Error> {
    let Some(shift_id) = shift_id else {
        return Ok(());
    };
    let mut shift = open_shift(tx, shift_id, store).await?;
    if taking.entry.training {
        return Ok(());
    }
    add_to_shift(&mut shift, taking);
    tx.shift_update(&shift).await
}

fn add_to_shift(shift: &mut ShiftRow, taking: &Taking<'_>) {
    let Taking {
        entry: _,
        tenders,
        net,
        tax,
        back,
    } = *taking;
    let sums = &mut shift.sums;
    for tender in tenders {
        let at = sums
            .tenders
            .iter()
            .position(|total| total.kind == tender.kind)
            .unwrap_or_else(|| {
                sums.tenders.push(TenderTotal {
                    kind: tender.kind.clone(),
                    sales: 0,
                    refunds: 0,
                    count: 0,
                });
                sums.tenders.len() - 1
            });
        let total = &mut sums.tenders[at];
        total.count += 1;
        if back {
            total.refunds += tender.amount;
        } else {
            total.sales += tender.amount;
        }
    }
    sums.transactions += 1;
    if back {
        sums.net_refunds += net;
        sums.tax -= tax;
    } else {
        sums.net_sales += net;
        sums.tax += tax;
    }
}

/// Adds an activity to the day of its store, in the transaction that creates it. Training has no
/// activities, because the feed is summed.
async fn note_activity(
    tx: &mut dyn Tx,
    store: &Store,
    kind: ActivityKind,
    id: &str,
    business_date: &str,
    begun_at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    tx.activity_insert(&ActivityRow {
        store_id: store.id.clone(),
        business_date: business_date.to_owned(),
        begun_at,
        kind,
        id: id.to_owned(),
        accepted_at: now,
    })
    .await
}

/// The same for records with an entry.
async fn note_entry(
    tx: &mut dyn Tx,
    store: &Store,
    kind: ActivityKind,
    entry: &Entry,
    begun_at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    if entry.training {
        return Ok(());
    }
    note_activity(
        tx,
        store,
        kind,
        &entry.id,
        &entry.business_date,
        begun_at,
        now,
    )
    .await
}

/// The taxes that are included in the amount of the line.
fn included(line: &Line) -> Money {
    let taxes = line.taxes.iter().filter(|tax| tax.included);
    taxes.map(|tax| tax.amount).sum()
}

/// The report rows of an entry's lines. `back` negates them.
fn report_rows(
    store: &Store,
    entry: &Entry,
    lines: &[Line],
    back: bool,
    accepted_at: Timestamp,
) -> Vec<SaleLine> {
    if entry.training {
        return Vec::new();
    }
    let counted = lines.iter().filter(|line| !line.voided);
    counted
        .map(|line| SaleLine {
            store_id: store.id.clone(),
            store_external_id: store.external_id.clone(),
            business_date: entry.business_date.clone(),
            begun_at: entry.begun_at.clone(),
            entry_id: entry.id.clone(),
            number: line.number,
            returned: back || line.is_return(),
            sku: line.sku.clone(),
            description: line.description.clone(),
            category: line.category.clone().unwrap_or_default(),
            quantity: line.quantity,
            currency: entry.currency.clone(),
            amount: line.amount,
            net: line.amount - included(line),
            discount: line.discounts.iter().map(|discount| discount.amount).sum(),
            tax_code: line
                .taxes
                .first()
                .map(|tax| tax.code.clone())
                .unwrap_or_default(),
            tax: line.taxes.iter().map(|tax| tax.amount).sum(),
            accepted_at,
        })
        .collect()
}
