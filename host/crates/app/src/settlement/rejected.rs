//! Files that a plugin rejected: the original is stored with the reasons, so that it can be read again after a
//! correction of the plugin or its settings.

use super::Settlement;
use galleria_domain::Problem;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::RejectedStatementRow;
use serde::{Deserialize, Serialize};

/// The maximum number of reasons that are stored. The import reports more.
pub(super) const MAX_PROBLEMS: usize = 50;

/// A rejected file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RejectedView {
    /// The id that the statement will have.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The slot of the plugin that rejected it.
    pub plugin: String,
    /// The original file name.
    pub file: String,
    /// The SHA-256 digest of the file.
    pub digest: String,
    /// When it was last rejected, RFC 3339.
    pub rejected_at: String,
    /// The first reasons.
    pub problems: Vec<Problem>,
}

impl Settlement {
    /// Lists the rejected files of a retailer, the latest first.
    pub async fn rejected_statements(
        &self,
        retailer: &str,
        limit: u32,
    ) -> Result<Vec<RejectedView>, Error> {
        let retailer = retailer.to_owned();
        let rows = self.core.records.read(in_tx!(|tx, retailer| tx
            .rejected_statement_list(&retailer, limit)
            .await));
        let view = |row: RejectedStatementRow| RejectedView {
            id: row.id,
            retailer: row.retailer,
            plugin: row.plugin,
            file: row.file,
            digest: row.digest,
            rejected_at: row.rejected_at.to_string(),
            problems: row.problems,
        };
        Ok(rows.await?.into_iter().map(view).collect())
    }
}
