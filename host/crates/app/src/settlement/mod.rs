//! Statements of providers: taken in whole or not at all, matched with what was sold and given
//! back, and settled by hand where the rules cannot.
//!
//! Owns: what of a statement is refused, when it is seen, and in which order lines are matched. Never
//! knows: formats of files (a plugin reads them), SQL, where originals lie on the disk.

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
    ExplainView, HandView, LineView, OutcomeView, StatementView, Uncovered, major, outcome_word,
};

pub(crate) use matching::tenders_of;

/// The context of a run that reads a statement.
pub use intake::reading_context;
