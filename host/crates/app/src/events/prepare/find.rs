//! Finds the record that an event refers to.

use super::{EventRecord, Lookup, Prepared, broken, paid};
use crate::orders;
use galleria_domain::plugin::Point;
use galleria_domain::{CallFault, Event, Fault, FiscalMark, Origin};
use galleria_ports::Error;
use galleria_ports::plugins::Argument;
use galleria_ports::records::{PaymentRow, Tx};

pub(super) async fn find(tx: &mut dyn Tx, event: &Event, point: Point) -> Result<Lookup, Error> {
    let field = match point {
        Point::OnPayment => "payment_id",
        Point::OnRefund => "refund_id",
        Point::OnVoid => "void_id",
        Point::OnVerification => "verification_id",
        Point::OnFiscalMark => "mark_id",
        Point::OnShiftEnd => "shift_id",
        _ => return Ok(Lookup::Unavailable(Prepared::Nobody)),
    };
    let Some(id) = event.text(field) else {
        let prepared = broken(&format!("data.{field}"), "is missing");
        return Ok(Lookup::Unavailable(prepared));
    };
    let unknown = || {
        Lookup::Unavailable(broken(
            &format!("data.{field}"),
            format!("{id} is not known"),
        ))
    };
    match point {
        Point::OnPayment => Ok(tx
            .payment_get(id)
            .await?
            .map_or_else(unknown, |row| payment_record(row).into())),
        Point::OnRefund => find_refund(tx, id).await,
        Point::OnFiscalMark => find_mark(tx, event, id).await,
        Point::OnVoid => {
            let Some(row) = tx.void_get(id).await? else {
                return Ok(unknown());
            };
            let after = match row.cancellation.origin {
                Origin::Sale(_) => tx.payment_get_by_order(&row.order_id).await?,
                Origin::Reference(_) | Origin::None => None,
            };
            Ok(EventRecord {
                occurred_at: row.occurred_at,
                business_date: row.cancellation.entry.business_date.clone(),
                order_id: Some(row.order_id),
                workstation: row.cancellation.entry.workstation.clone(),
                argument: Argument::Void(row.cancellation),
                after,
            }
            .into())
        }
        Point::OnVerification => {
            let Some(row) = tx.verification_get(id).await? else {
                return Ok(unknown());
            };
            // A basket that was not paid yet has no payment to wait for.
            let after = match row.verification.sale.entry.sequence {
                0 => None,
                _ => tx.payment_get_by_order(&row.order_id).await?,
            };
            Ok(EventRecord {
                occurred_at: row.occurred_at,
                business_date: row.verification.business_date.clone(),
                order_id: Some(row.order_id),
                workstation: row.verification.sale.entry.workstation.clone(),
                argument: Argument::Verification(row.verification),
                after,
            }
            .into())
        }
        _ => {
            let row = tx.shift_get(id).await?;
            let closed = row.and_then(|row| Some((row.closed?, row.closed_at?)));
            Ok(closed.map_or_else(unknown, |(shift, closed_at)| {
                EventRecord {
                    occurred_at: closed_at,
                    business_date: shift.entry.business_date.clone(),
                    order_id: None,
                    workstation: shift.entry.workstation.clone(),
                    argument: Argument::ShiftEnd(shift),
                    after: None,
                }
                .into()
            }))
        }
    }
}

fn payment_record(row: PaymentRow) -> EventRecord {
    EventRecord {
        occurred_at: row.occurred_at,
        business_date: row.sale.entry.business_date.clone(),
        order_id: Some(row.order_id),
        workstation: row.sale.entry.workstation.clone(),
        argument: Argument::Payment(row.sale),
        after: None,
    }
}

/// Finds a mark and its record. The mark of a sale waits for the effect of the sale. The mark of a refund
/// follows the refund in the same lane.
async fn find_mark(tx: &mut dyn Tx, event: &Event, id: &str) -> Result<Lookup, Error> {
    let order_id = event.text("order_id").unwrap_or_default();
    let unknown = || {
        let message = format!("{id} is not a mark of order {order_id}");
        Ok(Lookup::Unavailable(broken("data.mark_id", message)))
    };
    let Some(row) = tx.mark_get(order_id, id).await? else {
        return unknown();
    };
    let payment = tx.payment_get_by_order(order_id).await?;
    let (of, entry, store_id, after) = match (row.refund_id.as_str(), payment) {
        ("", Some(payment)) => {
            let (sale, store_id) = (payment.sale.clone(), payment.store_id.clone());
            let entry = sale.entry.clone();
            (Origin::Sale(Box::new(sale)), entry, store_id, Some(payment))
        }
        ("", None) => return unknown(),
        (refund_id, after) => {
            let Some(refund) = tx.refund_get(refund_id).await? else {
                return unknown();
            };
            let entry = refund.entry;
            let of = Origin::Reference(Box::new(entry.clone()));
            (of, entry, refund.store_id, after)
        }
    };
    let Some(store) = tx.store_get(&store_id).await? else {
        return unknown();
    };
    Ok(EventRecord {
        occurred_at: row.issued_at,
        business_date: entry.business_date,
        order_id: Some(row.order_id),
        workstation: entry.workstation,
        argument: Argument::FiscalMark(FiscalMark {
            of,
            scheme: row.scheme,
            mark: row.mark,
            issued_at: store.local_text(row.issued_at),
            attributes: row.attributes,
        }),
        after,
    }
    .into())
}

async fn find_refund(tx: &mut dyn Tx, id: &str) -> Result<Lookup, Error> {
    let Some(row) = tx.refund_get(id).await? else {
        let prepared = broken("data.refund_id", format!("{id} is not known"));
        return Ok(Lookup::Unavailable(prepared));
    };
    let Some(payment) = tx.payment_get_by_order(&row.order_id).await? else {
        return Ok(Lookup::Unavailable(Prepared::Waits {
            on: paid(&row.order_id),
        }));
    };
    let Some(refund) = row.refund.clone() else {
        let problems = orders::problems_of(tx, &row, &payment).await?;
        let fault = CallFault::Guest(Fault::Invalid(problems));
        return Ok(Lookup::Unavailable(Prepared::Broken(fault)));
    };
    Ok(EventRecord {
        occurred_at: row.occurred_at,
        business_date: refund.entry.business_date.clone(),
        order_id: Some(row.order_id),
        workstation: refund.entry.workstation.clone(),
        argument: Argument::Refund(refund),
        after: Some(payment),
    }
    .into())
}
