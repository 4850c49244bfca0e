//! Lines of settlement statements, their matching results, and manual settlements.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::matching::ReferenceKind;
use galleria_domain::{Allocation, MatchOutcome, MatchRule, Money, StatementLine};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A line of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct LineRow {
    /// The statement.
    pub statement: String,
    /// The number of the line, from 1, in the order of the file.
    pub number: u64,
    /// The retailer.
    pub retailer: String,
    /// The original line.
    pub line: StatementLine,
    /// The matching result; the default until matched.
    pub matched: LineMatch,
}

impl LineRow {
    /// The line's own id.
    pub fn id(&self) -> String {
        format!("{}.{}", self.statement, self.number)
    }
}

/// The matching result of a line. Texts are empty if unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineMatch {
    /// `None` until the line is matched.
    pub outcome: Option<MatchOutcome>,
    /// The rule that decided.
    pub rule: Option<MatchRule>,
    /// The matched tender.
    pub tender: Option<String>,
    /// The parts of tenders that the line pays. A person may have distributed it over several.
    #[serde(default)]
    pub parts: Vec<Allocation>,
    /// The host's id of the tender's store.
    pub store_id: String,
    /// The retailer's id of the store.
    pub store: String,
    /// The business date of the sale or refund.
    pub business_date: String,
    /// The id of the sale or refund.
    pub entry_id: String,
    /// The line's amount minus the expected amount, in minor units of the line.
    pub difference: Money,
    /// The fee by the agreed rate.
    pub expected_fee: Option<Money>,
}

/// A manual settlement of a line, or its undo.
#[derive(Clone, Debug, PartialEq)]
pub struct ManualSettlementRow {
    /// The line.
    pub line: String,
    /// When it happened.
    pub at: Timestamp,
    /// The actor, as they named themselves.
    pub actor: String,
    /// Whether it undid the last settlement.
    pub undo: bool,
    /// The reason.
    pub reason: String,
    /// The result before.
    pub before: LineMatch,
    /// The result after.
    pub after: LineMatch,
}

/// Lines of one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeSum {
    /// `None` for lines that are not matched yet.
    pub outcome: Option<MatchOutcome>,
    /// The number of rows.
    pub lines: u64,
    /// Sum in the payout's currency.
    pub converted: Money,
    /// Sum of fees.
    pub fee: Money,
    /// Sum of net.
    pub net: Money,
    /// The part of `converted` from lines that are fees.
    pub fee_lines: Money,
}

/// Records of statement lines.
#[async_trait]
pub trait StatementLines {
    /// Deletes up to `limit` lines of a statement and returns their number.
    async fn statement_line_remove(&mut self, id: &str, limit: u32) -> Result<u64, Error>;
    /// Replaces the lines of a statement with those of another one, and releases the tenders that they paid: matching
    /// must check them.
    async fn statement_line_replace(&mut self, id: &str, staged: &str) -> Result<(), Error>;
    /// The manually settled lines of a statement.
    async fn statement_line_list_manual(&mut self, id: &str) -> Result<Vec<LineRow>, Error>;
    /// Adds lines.
    async fn statement_line_insert_many(&mut self, lines: &[LineRow]) -> Result<(), Error>;
    /// A line.
    async fn statement_line_get(
        &mut self,
        statement: &str,
        number: u64,
    ) -> Result<Option<LineRow>, Error>;
    /// Lines after `after` in the order of the file, of one outcome or of all.
    async fn statement_line_list(
        &mut self,
        statement: &str,
        outcome: Option<MatchOutcome>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error>;
    /// Visible lines of a retailer with a reference, each with the provider of its statement. If there are `limit`
    /// lines, only those that this reference matched have their parts.
    async fn statement_line_list_by_reference(
        &mut self,
        retailer: &str,
        kind: ReferenceKind,
        reference: &str,
        limit: u32,
    ) -> Result<Vec<(LineRow, String)>, Error>;
    /// Writes the matching result of a line, with the parts of tenders that it pays.
    async fn statement_line_match(
        &mut self,
        statement: &str,
        number: u64,
        matched: &LineMatch,
    ) -> Result<(), Error>;
    /// The ids of the lines that pay a tender, with the part that each pays.
    async fn tender_payments(
        &mut self,
        tender: &str,
        limit: u32,
    ) -> Result<Vec<(String, Money)>, Error>;
    /// The number of a statement's lines of each outcome. Reads only an index.
    async fn statement_counts(
        &mut self,
        statement: &str,
    ) -> Result<Vec<(Option<MatchOutcome>, u64)>, Error>;
    /// Sums of a statement's lines by outcome.
    async fn statement_sums(&mut self, statement: &str) -> Result<Vec<OutcomeSum>, Error>;
    /// Adds a manual settlement.
    async fn manual_settlement_insert(&mut self, hand: &ManualSettlementRow) -> Result<(), Error>;
    /// Moves the manual settlements of a line to another line id.
    async fn manual_settlement_move(&mut self, from: &str, to: &str) -> Result<(), Error>;
    /// Manual settlements of a line, oldest first.
    async fn manual_settlement_list(
        &mut self,
        line: &str,
    ) -> Result<Vec<ManualSettlementRow>, Error>;
}
