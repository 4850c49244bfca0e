//! Statement files that a plugin rejected. Their originals are kept.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Problem;
use jiff::Timestamp;

/// A rejected file.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedStatementRow {
    /// The id that its statement would have.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The plugin slot that rejected it.
    pub plugin: String,
    /// The name of the file.
    pub file: String,
    /// SHA-256 of the file, the name of the stored original.
    pub digest: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// The reasons for the rejection.
    pub problems: Vec<Problem>,
    /// When it was last rejected.
    pub rejected_at: Timestamp,
}

/// Records of rejected statements.
#[async_trait]
pub trait RejectedStatements {
    /// Adds a rejected file, or replaces its reasons.
    async fn rejected_statement_put(&mut self, row: &RejectedStatementRow) -> Result<(), Error>;
    /// A rejected file.
    async fn rejected_statement_get(
        &mut self,
        id: &str,
    ) -> Result<Option<RejectedStatementRow>, Error>;
    /// The rejected files of a retailer, the latest first.
    async fn rejected_statement_list(
        &mut self,
        retailer: &str,
        limit: u32,
    ) -> Result<Vec<RejectedStatementRow>, Error>;
    /// Removes a rejected file after it was read.
    async fn rejected_statement_remove(&mut self, id: &str) -> Result<(), Error>;
}
