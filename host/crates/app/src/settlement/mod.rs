//! Settlement statements of payment providers: imported completely or not at all, matched with sales and
//! refunds, and settled manually if the rules cannot decide.
//!
//! Owns: the checks of a statement, when it becomes visible, and the order in which lines are matched. Never
//! knows formats of files (plugins read them), SQL, or where originals are stored.

mod intake;
mod lease;
mod manual_settlement;
mod matching;
mod pickups;
mod reading;
mod views;

pub use intake::{Imported, StatementRequest};
pub use manual_settlement::{SettleRequest, UndoRequest};
pub use pickups::check_pickups;
pub use reading::{KindSum, Reading, read};
pub use views::{
    ExplainView, LineView, ManualSettlementView, OutcomeView, StatementView, Uncovered, major,
    outcome_word,
};

pub(crate) use matching::tenders_of;

/// The context of a run that reads a statement.
pub use intake::reading_context;
