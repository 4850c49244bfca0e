//! Statements of providers, their lines, and the tenders that these are matched with.

use super::RunRow;
use crate::Error;
use async_trait::async_trait;
use galleria_domain::{
    MatchOutcome, MatchRule, Money, RecordedTender, StatementHeader, StatementLine,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a statement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementState {
    /// Its lines are being written; nobody sees it, and after a crash it goes.
    Importing,
    /// It is there, and its lines are being matched; after a crash that goes on.
    Matching,
    /// Every line has its outcome.
    Matched,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementRow {
    /// From retailer and digest, so that the same file has the same id however often it comes.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The slot that read it.
    pub plugin: String,
    /// SHA-256 of the component that read it.
    pub component: String,
    /// The file's name as it came.
    pub file: String,
    /// SHA-256 of the file; the original is kept under it.
    pub digest: String,
    /// Bytes of the file.
    pub size: u64,
    /// What the file says of itself.
    pub header: StatementHeader,
    /// Sum of the lines' net.
    pub net: Money,
    /// How many lines it has.
    pub lines: u64,
    /// How far it has come.
    pub state: StatementState,
    /// The last line that has an outcome.
    pub matched_to: u64,
    /// When it came.
    pub imported_at: Timestamp,
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct LineRow {
    /// The statement.
    pub statement: String,
    /// From 1, in the order of the file.
    pub number: u64,
    /// The retailer.
    pub retailer: String,
    /// As read.
    pub line: StatementLine,
    /// What matching made of it; as read, nothing.
    pub matched: Matched,
}

impl LineRow {
    /// The line's own id.
    pub fn id(&self) -> String {
        format!("{}.{}", self.statement, self.number)
    }
}

/// What matching made of a line. Texts are empty where there is nothing to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// None until it was looked at.
    pub outcome: Option<MatchOutcome>,
    /// What decided.
    pub rule: Option<MatchRule>,
    /// The tender it is about.
    pub tender: Option<String>,
    /// Whether it settles that tender.
    pub settles: bool,
    /// The host's id of the tender's store.
    pub store_id: String,
    /// The retailer's id of it.
    pub store: String,
    /// Of the sale or refund.
    pub business_date: String,
    /// The sale's or refund's id.
    pub entry_id: String,
    /// Statement less record, minor units of the line.
    pub difference: Money,
    /// What the agreed fee comes to.
    pub expected_fee: Option<Money>,
    /// A tender that is recorded later may change it.
    pub waits: bool,
}

/// What was done by hand to a line.
#[derive(Clone, Debug, PartialEq)]
pub struct HandRow {
    /// The line.
    pub line: String,
    /// When.
    pub at: Timestamp,
    /// Who, in their own words.
    pub actor: String,
    /// Whether it took the last settlement back.
    pub undo: bool,
    /// Why.
    pub reason: String,
    /// What stood there.
    pub before: Matched,
    /// What stands there now.
    pub after: Matched,
}

/// Lines of one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeSum {
    /// None for lines that were not looked at yet.
    pub outcome: Option<MatchOutcome>,
    /// How many.
    pub lines: u64,
    /// Sum in the payout's currency.
    pub converted: Money,
    /// Sum of fees.
    pub fee: Money,
    /// Sum of net.
    pub net: Money,
}

/// A line for the retailer's settlement file, and where a reader of such lines stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettlementKey {
    /// The retailer's id of the store.
    pub store: String,
    /// The business date.
    pub business_date: String,
    /// The line's number.
    pub number: u64,
}

/// Where a list of uncovered payments stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncoveredKey {
    /// When the tender was accepted.
    pub accepted_at: Timestamp,
    /// Its id.
    pub id: String,
}

/// Records of statements.
#[async_trait]
pub trait Statements {
    /// Adds tenders, not yet looked at by matching.
    async fn tenders_insert(
        &mut self,
        tenders: &[RecordedTender],
        accepted_at: Timestamp,
    ) -> Result<(), Error>;
    /// The tenders of an entry were undone: no statement is expected to cover them.
    async fn tenders_void(&mut self, entry_id: &str) -> Result<(), Error>;
    /// Tenders that matching has not looked at, the oldest first.
    async fn tenders_fresh(&mut self, limit: u32) -> Result<Vec<RecordedTender>, Error>;
    /// Matching has looked at a tender.
    async fn tender_looked_at(&mut self, id: &str) -> Result<(), Error>;
    /// Tenders that share a reference with a line, at most `limit` by each, the oldest first.
    async fn tenders_like(
        &mut self,
        retailer: &str,
        line: &StatementLine,
        limit: u32,
    ) -> Result<Vec<RecordedTender>, Error>;
    /// A tender.
    async fn tender_get(&mut self, id: &str) -> Result<Option<RecordedTender>, Error>;
    /// The tenders of a sale or refund.
    async fn tenders_of_entry(
        &mut self,
        retailer: &str,
        entry_id: &str,
    ) -> Result<Vec<RecordedTender>, Error>;
    /// A tender is settled by a line, or by none.
    async fn tender_settle(&mut self, id: &str, line: Option<&str>) -> Result<(), Error>;
    /// Tenders of a retailer that no line settles, accepted before `before`, after `after`. Where
    /// `kinds` is empty, those with a provider's reference.
    async fn tenders_uncovered(
        &mut self,
        retailer: &str,
        before: Timestamp,
        kinds: &[String],
        after: &UncoveredKey,
        limit: u32,
    ) -> Result<Vec<(RecordedTender, Timestamp)>, Error>;

    /// Takes a lease, or keeps it: true where it is `owner`'s until `until`.
    async fn lease_take(
        &mut self,
        name: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error>;
    /// Keeps a lease; false where another took it meanwhile, even if it was given back since.
    async fn lease_keep(
        &mut self,
        name: &str,
        owner: &str,
        until: Timestamp,
    ) -> Result<bool, Error>;
    /// Gives a lease back.
    async fn lease_release(&mut self, name: &str, owner: &str) -> Result<(), Error>;
    /// Keeps other matching of the retailer waiting until the transaction ends.
    async fn matching_turn(&mut self, retailer: &str) -> Result<(), Error>;

    /// Adds a statement; `Error::Exists` where its file or its payout is there.
    async fn statement_insert(&mut self, statement: &StatementRow) -> Result<(), Error>;
    /// A statement in whatever state.
    async fn statement_get(&mut self, id: &str) -> Result<Option<StatementRow>, Error>;
    /// The statement of a payout.
    async fn statement_of_payout(
        &mut self,
        retailer: &str,
        header: &StatementHeader,
    ) -> Result<Option<StatementRow>, Error>;
    /// Moves a statement on.
    async fn statement_advance(
        &mut self,
        id: &str,
        state: StatementState,
        matched_to: u64,
    ) -> Result<(), Error>;
    /// Statements that are not matched yet.
    async fn statements_unfinished(&mut self) -> Result<Vec<StatementRow>, Error>;
    /// Statements that are there, the latest payout first, after `after`: a day and an id.
    async fn statement_list(
        &mut self,
        retailer: Option<&str>,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<StatementRow>, Error>;
    /// Takes lines of a statement away; how many.
    async fn statement_lines_remove(&mut self, id: &str, limit: u32) -> Result<u64, Error>;
    /// Takes a statement without lines away.
    async fn statement_remove(&mut self, id: &str) -> Result<(), Error>;

    /// Adds lines.
    async fn statement_lines_insert(&mut self, lines: &[LineRow]) -> Result<(), Error>;
    /// A line.
    async fn statement_line_get(
        &mut self,
        statement: &str,
        number: u64,
    ) -> Result<Option<LineRow>, Error>;
    /// Lines after `after` in the order of the file, of one outcome or of all.
    async fn statement_lines(
        &mut self,
        statement: &str,
        outcome: Option<MatchOutcome>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error>;
    /// Lines that wait for a tender with one of this one's references.
    async fn statement_lines_waiting(
        &mut self,
        tender: &RecordedTender,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error>;
    /// Writes what matching made of a line.
    async fn statement_line_match(
        &mut self,
        statement: &str,
        number: u64,
        matched: &Matched,
    ) -> Result<(), Error>;
    /// Sums of a statement's lines by outcome.
    async fn statement_sums(&mut self, statement: &str) -> Result<Vec<OutcomeSum>, Error>;

    /// Adds what was done by hand.
    async fn hand_insert(&mut self, hand: &HandRow) -> Result<(), Error>;
    /// What was done by hand to a line, in order.
    async fn hands_of_line(&mut self, line: &str) -> Result<Vec<HandRow>, Error>;

    /// Chooses the statements that a run tells: what was paid out in its window and is matched; with
    /// `late` also what is before it, in the window of a run of the same slot and scope that ended,
    /// and was told by none.
    async fn settlement_choose(&mut self, run: &RunRow, late: bool) -> Result<(), Error>;
    /// The statements that were chosen for a run, after `after`: a day and an id.
    async fn settlement_statements(
        &mut self,
        run: &str,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<StatementRow>, Error>;
    /// Lines of a statement by store, business date and row; of one store where `store_id` says so.
    async fn settlement_lines(
        &mut self,
        statement: &str,
        store_id: Option<&str>,
        after: &SettlementKey,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error>;
}
