//! The statements and lines of settlement runs.

use super::{LineRow, RunRow, StatementRow};
use crate::Error;
use async_trait::async_trait;

/// Position of a reader of settlement lines, in the order of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettlementCursor {
    /// The retailer's id of the store.
    pub store: String,
    /// The business date.
    pub business_date: String,
    /// The line's number.
    pub number: u64,
}

/// Records of settlement runs.
#[async_trait]
pub trait Settlements {
    /// Selects the statements of a run: the matched payouts of its window. With `late`, also
    /// earlier payouts in the window of an ended run of the same slot and scope that no run has
    /// reported.
    async fn settlement_select(&mut self, run: &RunRow, late: bool) -> Result<(), Error>;
    /// The statements of a run after `after`, a date and an id.
    async fn settlement_statement_list(
        &mut self,
        run: &str,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<StatementRow>, Error>;
    /// Lines of a statement by store, business date and row. `store_id` limits them to one store.
    async fn settlement_line_list(
        &mut self,
        statement: &str,
        store_id: Option<&str>,
        after: &SettlementCursor,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error>;
}
