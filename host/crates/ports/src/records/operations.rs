//! What operators did.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// One thing an operator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// A stable word, such as `dead_letter_replay`.
    pub action: String,
    /// What it was done to, such as an event and its subscriber.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// What was there before, as JSON text.
    pub before: String,
    /// What was there after, as JSON text.
    pub after: String,
}

/// Which actions are meant; what is none lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// What they were done to.
    pub subject: Option<String>,
    /// The word for what was done.
    pub action: Option<String>,
    /// Who acted.
    pub actor: Option<String>,
}

/// Records of operators' actions. Only ever added to.
#[async_trait]
pub trait Operations {
    /// Writes one down.
    async fn operation_insert(&mut self, row: &OperationRow) -> Result<(), Error>;
    /// Those that a filter lets pass, newest first, before the serial number `before`.
    async fn operation_page(
        &mut self,
        filter: &OperationFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, OperationRow)>, Error>;
}
