//! Cash movements of a drawer other than sales and refunds.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The direction of a cash movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// Put into the drawer, such as change.
    PayIn,
    /// Taken out of the drawer, such as a payment to a supplier.
    PayOut,
    /// Moved to the safe.
    PickUp,
}

/// A cash movement. Never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovementRow {
    /// The caller's id.
    pub id: String,
    /// The shift.
    pub shift_id: String,
    /// The direction.
    pub kind: MovementKind,
    /// Minor units, positive.
    pub amount: Money,
    /// The reason.
    pub reason: String,
    /// Who performed it.
    pub cashier: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// Totals of the cash movements of a shift, in minor units, positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MovementTotals {
    /// Cash put into the drawer.
    pub paid_in: Money,
    /// Taken out of the drawer.
    pub paid_out: Money,
    /// Moved to the safe.
    pub pickups: Money,
}

/// Records of movements.
#[async_trait]
pub trait Movements {
    /// Adds a movement. Returns `Error::Exists` if the id is taken. The shift must be locked and
    /// open.
    async fn movement_insert(&mut self, row: &MovementRow) -> Result<(), Error>;
    /// Movements of a shift, in order of acceptance.
    async fn movement_list(&mut self, shift_id: &str) -> Result<Vec<MovementRow>, Error>;
    /// Totals of the movements of a shift.
    async fn movement_totals(&mut self, shift_id: &str) -> Result<MovementTotals, Error>;
}
