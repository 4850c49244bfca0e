//! Cash movements of a drawer besides sales and refunds, recorded as they happen.

use super::{answer, check_id, open_shift, refuse, store_of};
use crate::core::{IdempotencyKey, Reply};
use crate::orders::Orders;
use galleria_domain::selling::MAX_AMOUNT;
use galleria_domain::{Money, Problem};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{MovementKind, MovementRow, MovementTotals, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The maximum length of a reason in characters: a sentence.
const REASON_CHARS: usize = 200;

/// A movement to record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMovement {
    /// The caller's id, unique in the platform.
    pub id: String,
    /// `pay_in`, `pay_out`, or `pick_up` to the safe.
    pub kind: MovementKind,
    /// Minor units, positive.
    pub amount: Money,
    /// The reason, 1 to 200 characters.
    pub reason: String,
    /// The cashier.
    pub cashier: Option<String>,
    /// Time, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}

/// An accepted movement, and the sums of the shift including it. Minor units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MovementView {
    /// Its id.
    pub id: String,
    /// The shift.
    pub shift_id: String,
    /// `pay_in`, `pay_out` or `pick_up`.
    pub kind: MovementKind,
    /// The amount of the movement.
    pub amount: Money,
    /// Pay-ins so far.
    pub paid_in: Money,
    /// Pay-outs so far.
    pub paid_out: Money,
    /// Pickups so far.
    pub pickups: Money,
}

impl Orders {
    /// Accepts a movement of an open shift.
    pub async fn record_movement(
        &self,
        key: IdempotencyKey,
        shift_id: &str,
        new: NewMovement,
    ) -> Result<Reply, Error> {
        check_id("id", &new.id)?;
        refuse(wrong(&new))?;
        let (now, shift_id) = (self.core.clock.now(), shift_id.to_owned());
        self.core
            .once(
                key,
                201,
                in_tx!(|tx, new, shift_id| accept(tx, &shift_id, new, now).await),
            )
            .await
    }
}

fn wrong(new: &NewMovement) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !(1..=MAX_AMOUNT).contains(&new.amount) {
        problems.push(Problem::new("amount", "minor units, positive"));
    }
    if !(1..=REASON_CHARS).contains(&new.reason.chars().count()) {
        problems.push(Problem::new("reason", "1 to 200 characters"));
    }
    problems
}

async fn accept(
    tx: &mut dyn Tx,
    shift_id: &str,
    new: NewMovement,
    now: Timestamp,
) -> Result<serde_json::Value, Error> {
    let found = tx
        .shift_get(shift_id)
        .await?
        .ok_or_else(|| Error::NotFound {
            what: "shift",
            id: shift_id.to_owned(),
        })?;
    let store = store_of(tx, &found.store_id).await?;
    // Lock the shift until the movement is stored: a concurrent end counts it, or comes first.
    let shift = open_shift(tx, shift_id, &store).await?;
    if new.at < shift.opened_at {
        return Err(Error::invalid(
            "at",
            "must not be before the shift was opened",
        ));
    }
    let NewMovement {
        id,
        kind,
        amount,
        reason,
        cashier,
        at,
    } = new;
    tx.movement_insert(&MovementRow {
        id: id.clone(),
        shift_id: shift_id.to_owned(),
        kind,
        amount,
        reason,
        cashier,
        at,
        accepted_at: now,
    })
    .await?;
    let MovementTotals {
        paid_in,
        paid_out,
        pickups,
    } = tx.movement_totals(shift_id).await?;
    answer(&MovementView {
        id,
        shift_id: shift_id.to_owned(),
        kind,
        amount,
        paid_in,
        paid_out,
        pickups,
    })
}
