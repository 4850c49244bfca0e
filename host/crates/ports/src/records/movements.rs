//! What went into a drawer or out of it beside sales and refunds.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// Put into the drawer: change that was brought.
    PayIn,
    /// Taken out of it: a window cleaner's wages.
    PayOut,
    /// Brought to the safe.
    PickUp,
}

/// One movement. Never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovementRow {
    /// The caller's id.
    pub id: String,
    /// The shift.
    pub shift_id: String,
    /// Which way.
    pub kind: MovementKind,
    /// Minor units, positive.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// Who.
    pub cashier: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// What the movements of a shift come to. Minor units, positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Put into the drawer.
    pub paid_in: Money,
    /// Taken out of it.
    pub paid_out: Money,
    /// Brought to the safe.
    pub pickups: Money,
}

/// Records of movements.
#[async_trait]
pub trait Movements {
    /// Adds one; `Error::Exists` where the id is taken. The shift is locked, and open.
    async fn movement_insert(&mut self, row: &MovementRow) -> Result<(), Error>;
    /// Those of a shift, in the order in which they were accepted.
    async fn movements_of_shift(&mut self, shift_id: &str) -> Result<Vec<MovementRow>, Error>;
    /// What those of a shift come to.
    async fn shift_moved(&mut self, shift_id: &str) -> Result<Moved, Error>;
}
