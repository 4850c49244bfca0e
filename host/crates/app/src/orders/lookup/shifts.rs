//! Lists open and closed shifts with the sums of their drawers.

use crate::lists::{Currencies, ListQuery, not_found};
use crate::orders::Orders;
use galleria_domain::{Entry, Money, TenderTotal};
use galleria_ports::Error;
use galleria_ports::access::Caller;
use galleria_ports::in_tx;
use galleria_ports::records::{MovementTotals, ShiftRow, StatusFilter, Tx};
use serde::{Deserialize, Serialize};

/// A shift. Amounts are minor units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShiftDetail {
    /// Its id.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// The workstation whose numbering it uses.
    pub workstation: String,
    /// The drawer.
    pub till: String,
    /// The cashier who opened it.
    pub cashier: Option<String>,
    /// `open` or `closed`.
    pub status: String,
    /// Time of opening, RFC 3339; lists are sorted by it.
    pub opened_at: String,
    /// Time of the end, RFC 3339.
    pub closed_at: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// The opening float.
    pub opening_float: Money,
    /// Totals by kind of tender.
    pub tenders: Vec<TenderTotal>,
    /// The number of sales and refunds.
    pub transactions: u32,
    /// Sales without tax.
    pub net_sales: Money,
    /// Refunds without tax, positive.
    pub net_refunds: Money,
    /// Tax of sales minus tax of refunds.
    pub tax: Money,
    /// Pay-ins; the total if the shift is closed.
    pub paid_in: Money,
    /// Pay-outs.
    pub paid_out: Money,
    /// Pickups to the safe.
    pub pickups: Money,
    /// The end; null while it is open.
    pub end: Option<ShiftEnd>,
}

/// The end of a shift. Amounts are minor units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShiftEnd {
    /// The id of its event.
    pub event_id: String,
    /// Its numbering.
    pub entry: Entry,
    /// The expected cash: float and all cash since.
    pub expected: Money,
    /// The counted cash.
    pub counted: Money,
    /// Counted minus expected: positive means over, negative means short.
    pub difference: Money,
}

/// A page of the list of shifts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShiftPage {
    /// Last opened first.
    pub shifts: Vec<ShiftDetail>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

async fn detail(tx: &mut dyn Tx, row: ShiftRow, currency: String) -> Result<ShiftDetail, Error> {
    let MovementTotals {
        paid_in,
        paid_out,
        pickups,
    } = match &row.closed {
        // Includes the unrecorded movements that the end reported.
        Some(shift) => MovementTotals {
            paid_in: shift.paid_in,
            paid_out: shift.paid_out,
            pickups: shift.pickups,
        },
        None => tx.movement_totals(&row.id).await?,
    };
    let status = match row.closed {
        Some(_) => "closed",
        None => "open",
    };
    let end = row.closed.map(|shift| ShiftEnd {
        event_id: format!("shift:{}", row.id),
        entry: shift.entry,
        expected: shift.expected,
        counted: shift.counted,
        difference: shift.counted - shift.expected,
    });
    Ok(ShiftDetail {
        id: row.id,
        store_id: row.store_id,
        workstation: row.workstation,
        till: row.till,
        cashier: row.cashier,
        status: status.into(),
        opened_at: row.opened_at.to_string(),
        closed_at: row.closed_at.map(|at| at.to_string()),
        currency,
        opening_float: row.opening_float,
        tenders: row.sums.tenders,
        transactions: row.sums.transactions,
        net_sales: row.sums.net_sales,
        net_refunds: row.sums.net_refunds,
        tax: row.sums.tax,
        paid_in,
        paid_out,
        pickups,
        end,
    })
}

impl Orders {
    /// Shifts in the caller's reach, last opened first. `open` limits them to open or closed ones.
    pub async fn shifts(
        &self,
        caller: &Caller,
        query: ListQuery,
        open: Option<bool>,
    ) -> Result<ShiftPage, Error> {
        let status = open.map(|open| StatusFilter::Shift { open });
        list_page!(
            self,
            caller,
            query,
            status,
            Shifts,
            shift_list_rows,
            |tx, rows, next| {
                let (mut currencies, mut shifts) = (Currencies::default(), Vec::new());
                for row in rows {
                    let currency = currencies.of(tx, &row.store_id).await?;
                    shifts.push(detail(tx, row, currency).await?);
                }
                ShiftPage { shifts, next }
            }
        )
    }

    /// A shift by its id.
    pub async fn shift(&self, id: &str) -> Result<ShiftDetail, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| {
                let row = tx.shift_get(&id).await?;
                let row = row.ok_or_else(|| not_found("shift", &id))?;
                let currency = Currencies::default().of(tx, &row.store_id).await?;
                detail(tx, row, currency).await
            }))
            .await
    }
}
