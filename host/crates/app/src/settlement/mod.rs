//! Settlement statements of payment providers: imported completely or not at all, matched with sales and
//! refunds, and settled manually if the rules cannot decide.
//!
//! Owns: the checks of a statement, when it becomes visible, and the order in which lines are matched. Never
//! knows formats of files (plugins read them), SQL, or where originals are stored.

mod distribution;
mod group;
mod intake;
mod lease;
mod manual_settlement;
mod matching;
mod pickups;
mod queries;
mod reading;
mod rejected;
mod reread;
mod sweep;
mod views;

pub use intake::{Imported, StatementRequest};
pub use manual_settlement::{SettleRequest, UndoRequest};
pub use pickups::check_pickups;
pub use reading::{KindSum, Reading, read};
pub use rejected::RejectedView;
pub use reread::RereadRequest;
pub use views::{
    BalanceView, ExplainView, LineView, ManualSettlementView, OutcomeView, PaymentView, RereadView,
    StatementView, Uncovered, UndoneSettlement, major, outcome_word,
};

pub(crate) use matching::tenders_of;

/// The context of a run that reads a statement.
pub use intake::reading_context;

use crate::core::Core;
use galleria_ports::Error;
use galleria_ports::records::StatementRow;
use galleria_ports::vault::Vault;
use std::sync::Arc;

/// Imports settlement statements, matches their lines with tenders and settles lines manually. Cheap
/// to clone.
#[derive(Clone)]
pub struct Settlement {
    core: Core,
    /// Spools and keeps statements; only in a process that imports them.
    vault: Option<Arc<dyn Vault>>,
}

impl Settlement {
    pub(crate) fn new(core: Core) -> Self {
        Self { core, vault: None }
    }

    pub(crate) fn with_vault(self, vault: Arc<dyn Vault>) -> Self {
        Self {
            vault: Some(vault),
            ..self
        }
    }

    /// The ports of this service.
    pub fn core(&self) -> &Core {
        &self.core
    }
}

/// The error for a second file with a payout.
fn payout_exists(other: &StatementRow) -> Error {
    Error::Conflict {
        code: "payout_exists",
        message: format!(
            "payout {} of {} was imported from another file, {} (statement {}): a person \
             must decide which of the two is right",
            other.header.reference, other.header.provider, other.file, other.id
        ),
    }
}
