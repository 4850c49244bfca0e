//! Actions of operators.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// An action of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRow {
    /// When it happened.
    pub at: Timestamp,
    /// Who performed it.
    pub actor: String,
    /// A stable name of the action, such as `dead_letter_replay`.
    pub action: String,
    /// The subject of the action, such as an event and its subscriber.
    pub subject: String,
    /// The reason.
    pub reason: String,
    /// The state before, as JSON text.
    pub before: String,
    /// The state after, as JSON text.
    pub after: String,
}

/// Filter of operations. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Only operations on this subject.
    pub subject: Option<String>,
    /// Only operations with this action.
    pub action: Option<String>,
    /// Only operations of this actor.
    pub actor: Option<String>,
}

/// Records of operators' actions. Append-only.
#[async_trait]
pub trait Operations: Send {
    /// Locks the operations on a subject until the transaction ends, so that two processes do not record one change.
    async fn operation_lock(&mut self, subject: &str) -> Result<(), Error>;
    /// Adds an operation.
    async fn operation_insert(&mut self, row: &OperationRow) -> Result<(), Error> {
        self.operation_insert_many(std::slice::from_ref(row)).await
    }
    /// Adds operations in their order.
    async fn operation_insert_many(&mut self, rows: &[OperationRow]) -> Result<(), Error>;
    /// Operations that match a filter, newest first, before the serial number `before`.
    async fn operation_list(
        &mut self,
        filter: &OperationFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, OperationRow)>, Error>;
}
