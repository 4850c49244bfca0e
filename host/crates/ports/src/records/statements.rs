//! Settlement statements.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::{Money, StatementHeader};
use jiff::Timestamp;

/// The state of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementState {
    /// Its lines are being written. It is not visible, and is deleted after a crash.
    Importing,
    /// It is visible and its lines are being matched. Matching continues after a crash.
    Matching,
    /// All lines are matched.
    Matched,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementRow {
    /// Derived from retailer and digest, so that the same file always has the same id.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The plugin slot that read it.
    pub plugin: String,
    /// SHA-256 of the component that read it.
    pub component: String,
    /// The name of the imported file.
    pub file: String,
    /// SHA-256 of the file, the name of the stored original.
    pub digest: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// The header of the file.
    pub header: StatementHeader,
    /// Sum of the lines' net.
    pub net: Money,
    /// The number of lines.
    pub lines: u64,
    /// Its state.
    pub state: StatementState,
    /// The number of the last matched line.
    pub matched_to: u64,
    /// When it was imported.
    pub imported_at: Timestamp,
}

/// Records of settlement statements.
#[async_trait]
pub trait Statements {
    /// Locks the matching of a retailer until the transaction ends.
    async fn matching_lock(&mut self, retailer: &str) -> Result<(), Error>;
    /// Adds a statement. Returns `Error::Exists` if its file or payout exists.
    async fn statement_insert(&mut self, statement: &StatementRow) -> Result<(), Error>;
    /// A statement in any state.
    async fn statement_get(&mut self, id: &str) -> Result<Option<StatementRow>, Error>;
    /// The statement of a payout.
    async fn statement_get_by_payout(
        &mut self,
        retailer: &str,
        header: &StatementHeader,
    ) -> Result<Option<StatementRow>, Error>;
    /// Replaces the values that were read from a statement: plugin, component, header, sums, state and progress.
    async fn statement_replace(&mut self, statement: &StatementRow) -> Result<(), Error>;
    /// Sets the state and progress of a statement.
    async fn statement_advance(
        &mut self,
        id: &str,
        state: StatementState,
        matched_to: u64,
    ) -> Result<(), Error>;
    /// Statements that are not matched yet.
    async fn statement_list_unfinished(&mut self) -> Result<Vec<StatementRow>, Error>;
    /// Imported statements, latest payout first, after `after`, a date and an id.
    async fn statement_list(
        &mut self,
        retailer: Option<&str>,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<StatementRow>, Error>;
    /// Deletes a statement without lines.
    async fn statement_remove(&mut self, id: &str) -> Result<(), Error>;
}
