//! Opens and closes the shift of a drawer. A closed shift never changes.

use super::{Numbering, answer, check_id, note_entry, open_shift, store_of, take_entry};
use crate::core::{IdempotencyKey, Reply};
use crate::orders::Orders;
use galleria_domain::event::topic;
use galleria_domain::{Entry, JsonText, Money, NewEvent, Shift, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{ActivityKind, MovementTotals, ShiftRow, ShiftSums, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A shift to open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewShift {
    /// The caller's id, unique in the platform.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// The workstation whose numbering it uses.
    pub workstation: String,
    /// The drawer.
    pub till: String,
    /// The cashier who opens it.
    pub cashier: Option<String>,
    /// Time, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub opened_at: Timestamp,
    /// The opening float, minor units.
    pub opening_float: Money,
}

/// The end of a shift. Amounts are positive minor units. Recorded movements are counted already:
/// `paid_in`, `paid_out` and `pickups` contain only those that were not recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EndShift {
    /// Time, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// The cash counted in the drawer.
    pub counted: Money,
    /// Pay-ins that were not recorded as movements.
    #[serde(default)]
    pub paid_in: Money,
    /// Pay-outs that were not recorded as movements.
    #[serde(default)]
    pub paid_out: Money,
    /// Pickups to the safe that were not recorded as movements.
    #[serde(default)]
    pub pickups: Money,
    /// The cashier who closes it.
    pub cashier: Option<String>,
}

/// A shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShiftView {
    /// Its id.
    pub id: String,
    /// `open` or `closed`.
    pub status: String,
    /// The id of the event of its end.
    pub event_id: Option<String>,
    /// Its numbering when it was closed.
    pub entry: Option<Entry>,
    /// Pay-ins, minor units; the total if the shift is closed.
    pub paid_in: Money,
    /// Pay-outs.
    pub paid_out: Money,
    /// Pickups to the safe.
    pub pickups: Money,
    /// The expected cash, minor units: float and all cash since; null while it is open.
    pub expected: Option<Money>,
    /// Counted minus expected: positive means over, negative means short; null while it is open.
    pub difference: Option<Money>,
}

impl Orders {
    /// Opens a shift.
    pub async fn open_shift(&self, key: IdempotencyKey, new: NewShift) -> Result<Reply, Error> {
        check_id("id", &new.id)?;
        check_id("workstation", &new.workstation)?;
        check_id("till", &new.till)?;
        check_amount("opening_float", new.opening_float)?;
        self.core
            .once(
                key,
                201,
                in_tx!(|tx, new| {
                    store_of(tx, &new.store_id).await?;
                    let NewShift {
                        id,
                        store_id,
                        workstation,
                        till,
                        cashier,
                        opened_at,
                        opening_float,
                    } = new;
                    let view = ShiftView {
                        id: id.clone(),
                        status: "open".into(),
                        event_id: None,
                        entry: None,
                        paid_in: 0,
                        paid_out: 0,
                        pickups: 0,
                        expected: None,
                        difference: None,
                    };
                    tx.shift_insert(&ShiftRow {
                        id,
                        store_id,
                        workstation,
                        till,
                        cashier,
                        opened_at,
                        opening_float,
                        sums: ShiftSums::default(),
                        closed: None,
                        closed_at: None,
                    })
                    .await?;
                    answer(&view)
                }),
            )
            .await
    }

    /// Closes a shift.
    pub async fn end_shift(
        &self,
        key: IdempotencyKey,
        id: &str,
        end: EndShift,
    ) -> Result<Reply, Error> {
        for (field, amount) in [
            ("counted", end.counted),
            ("paid_in", end.paid_in),
            ("paid_out", end.paid_out),
            ("pickups", end.pickups),
        ] {
            check_amount(field, amount)?;
        }
        let (now, id) = (self.core.clock.now(), id.to_owned());
        self.core
            .append_once(
                key,
                200,
                in_tx!(|tx, end, id| close(tx, &id, end, now).await),
            )
            .await
    }
}

fn check_amount(field: &str, amount: Money) -> Result<(), Error> {
    if (0..=galleria_domain::selling::MAX_AMOUNT).contains(&amount) {
        Ok(())
    } else {
        Err(Error::invalid(
            field,
            "must be a non-negative number of minor units",
        ))
    }
}

async fn close(
    tx: &mut dyn Tx,
    id: &str,
    end: EndShift,
    now: Timestamp,
) -> Result<serde_json::Value, Error> {
    let found = tx.shift_get(id).await?.ok_or_else(|| Error::NotFound {
        what: "shift",
        id: id.to_owned(),
    })?;
    let store = store_of(tx, &found.store_id).await?;
    let mut row = open_shift(tx, id, &store).await?;
    if end.at < row.opened_at {
        return Err(Error::invalid(
            "at",
            "must not be before the shift was opened",
        ));
    }
    let numbering = Numbering {
        id,
        order: None,
        workstation: &row.workstation,
        cashier: end.cashier.as_deref().or(row.cashier.as_deref()),
        begun_at: row.opened_at,
        ended_at: end.at,
    };
    let entry = take_entry(tx, &store, numbering).await?;
    let moved = tx.movement_totals(id).await?;
    let shift = closed(&store, &row, entry.clone(), &end, moved);
    let (expected, difference) = (shift.expected, shift.counted - shift.expected);
    let (paid_in, paid_out, pickups) = (shift.paid_in, shift.paid_out, shift.pickups);
    row.closed = Some(shift);
    row.closed_at = Some(end.at);
    tx.shift_update(&row).await?;
    let kind = ActivityKind::Shift;
    note_entry(tx, &store, kind, &entry, row.opened_at, now).await?;
    let event_id = format!("shift:{id}");
    let event = NewEvent {
        id: event_id.clone(),
        topic: topic::POST_SHIFT_END_SUCCESS.into(),
        key: Some(format!("{}/{}", store.id, row.workstation)),
        store: Some(store.id),
        data: JsonText::of(&json!({ "shift_id": id }))?,
    };
    tx.event_append(&event, now).await?;
    answer(&ShiftView {
        id: id.to_owned(),
        status: "closed".into(),
        event_id: Some(event_id),
        entry: Some(entry),
        paid_in,
        paid_out,
        pickups,
        expected: Some(expected),
        difference: Some(difference),
    })
}

fn closed(
    store: &Store,
    row: &ShiftRow,
    entry: Entry,
    end: &EndShift,
    moved: MovementTotals,
) -> Shift {
    let paid_in = moved.paid_in + end.paid_in;
    let paid_out = moved.paid_out + end.paid_out;
    let pickups = moved.pickups + end.pickups;
    let ShiftSums {
        tenders,
        transactions,
        net_sales,
        net_refunds,
        tax,
    } = row.sums.clone();
    let cash: Money = tenders
        .iter()
        .filter(|total| total.kind == "cash")
        .map(|total| total.sales - total.refunds)
        .sum();
    Shift {
        entry,
        till: row.till.clone(),
        opened_at: store.local_text(row.opened_at),
        closed_at: store.local_text(end.at),
        opening_float: row.opening_float,
        tenders,
        paid_in,
        paid_out,
        pickups,
        expected: row.opening_float + cash + paid_in - paid_out - pickups,
        counted: end.counted,
        transactions,
        net_sales,
        net_refunds,
        tax,
        attributes: vec![],
    }
}
