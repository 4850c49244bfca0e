//! Views of statements and lines.

use galleria_domain::{
    MatchOutcome, MatchRule, Money, RecordedTender, StatementHeader, StatementLine,
};
use galleria_ports::records::{
    LineRow, ManualSettlementRow, OutcomeSum, StatementRow, StatementState,
};
use serde::{Deserialize, Serialize};

/// A statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatementView {
    /// Its id.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The slot of the plugin that read it.
    pub plugin: String,
    /// The original file name.
    pub file: String,
    /// The SHA-256 digest of the file.
    pub digest: String,
    /// The provider, account, reference, currency, day and total of the payout.
    pub header: StatementHeader,
    /// The number of lines.
    pub lines: u64,
    /// The sum of their net amounts, in minor units of the payout's currency.
    pub net: Money,
    /// `matching`, or `matched` if every line has its outcome.
    pub state: String,
    /// Time of the import, RFC 3339.
    pub imported_at: String,
    /// Sums by outcome, which add up to `net`. Empty in lists.
    pub outcomes: Vec<OutcomeView>,
}

/// The lines of one outcome. Sums are in minor units of the payout's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutcomeView {
    /// The outcome; `not-looked-at` while the statement is being matched.
    pub outcome: String,
    /// The number of lines.
    pub lines: u64,
    /// The converted gross.
    pub converted: Money,
    /// The sum of the fees.
    pub fee: Money,
    /// The sum of the net amounts.
    pub net: Money,
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineView {
    /// Its id.
    pub id: String,
    /// The id of the statement.
    pub statement: String,
    /// The number, from 1 in the order of the file.
    pub number: u64,
    /// The line as the plugin read it.
    pub line: StatementLine,
    /// The currency of the payout.
    pub paid_currency: String,
    /// Its digits after the decimal mark.
    pub paid_minor_digits: u8,
    /// The outcome, such as `matched`; `not-looked-at` while the statement is being matched.
    pub outcome: String,
    /// What decided: a reference, the kind of the line, or a manual settlement.
    pub rule: Option<MatchRule>,
    /// The tender that it is about.
    pub tender: Option<String>,
    /// The retailer's id of the store.
    pub store: String,
    /// The business date of the sale or refund.
    pub business_date: String,
    /// The id of the sale or refund.
    pub entry: String,
    /// Statement minus record, in minor units of the line's currency.
    pub difference: Money,
    /// The agreed fee, if there is one.
    pub expected_fee: Option<Money>,
}

/// The reason of the outcome of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainView {
    /// The line.
    pub line: LineView,
    /// The reason in one sentence.
    pub because: String,
    /// Tenders that share a reference with the line, oldest first.
    pub candidates: Vec<RecordedTender>,
    /// Allowed difference of amounts, minor units.
    pub amount_tolerance: Money,
    /// Allowed difference of fees, minor units.
    pub fee_tolerance: Money,
    /// Manual settlements, oldest first.
    pub manual_settlements: Vec<ManualSettlementView>,
}

/// A manual settlement of a line, or its undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ManualSettlementView {
    /// Time, RFC 3339.
    pub at: String,
    /// The actor.
    pub actor: String,
    /// `settled` or `undone`.
    pub what: String,
    /// The reason.
    pub reason: String,
    /// The outcome before.
    pub before: String,
    /// The entry before; empty if there was none.
    pub entry_before: String,
    /// The outcome after.
    pub after: String,
    /// The entry after; empty if there is none.
    pub entry_after: String,
}

/// A payment or refund that no statement covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Uncovered {
    /// The tender.
    pub tender: RecordedTender,
    /// Time of acceptance, RFC 3339.
    pub accepted_at: String,
    /// Whole days since then.
    pub days: i64,
}

/// The name of an outcome, or `not-looked-at`.
pub fn outcome_word(outcome: Option<MatchOutcome>) -> &'static str {
    outcome.map_or("not-looked-at", MatchOutcome::word)
}

/// Formats minor units as a decimal with all the currency's digits, such as `-12.30`.
pub fn major(minor: i128, digits: u8) -> String {
    let (sign, size) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    match 10_u128.checked_pow(digits.into()) {
        Some(unit) if digits > 0 => {
            let width = usize::from(digits);
            format!("{sign}{}.{:0width$}", size / unit, size % unit)
        }
        _ => format!("{sign}{size}"),
    }
}

/// Splits a line's id into statement and number.
pub(super) fn parts(id: &str) -> Option<(&str, u64)> {
    let (statement, number) = id.rsplit_once('.')?;
    Some((statement, number.parse().ok()?))
}

impl StatementView {
    pub(super) fn of(row: StatementRow, sums: Vec<OutcomeSum>) -> Self {
        let state = match row.state {
            StatementState::Importing => "importing",
            StatementState::Matching => "matching",
            StatementState::Matched => "matched",
        };
        let mut outcomes: Vec<_> = sums;
        outcomes.sort_by_key(|sum| sum.outcome);
        Self {
            id: row.id,
            retailer: row.retailer,
            plugin: row.plugin,
            file: row.file,
            digest: row.digest,
            header: row.header,
            lines: row.lines,
            net: row.net,
            state: state.into(),
            imported_at: row.imported_at.to_string(),
            outcomes: outcomes.into_iter().map(OutcomeView::of).collect(),
        }
    }
}

impl OutcomeView {
    pub(super) fn of(sum: OutcomeSum) -> Self {
        Self {
            outcome: outcome_word(sum.outcome).into(),
            lines: sum.lines,
            converted: sum.converted,
            fee: sum.fee,
            net: sum.net,
        }
    }
}

impl LineView {
    pub(super) fn of(statement: &StatementRow, row: LineRow) -> Self {
        let id = row.id();
        let matched = row.matched;
        Self {
            id,
            statement: row.statement,
            number: row.number,
            line: row.line,
            paid_currency: statement.header.currency.clone(),
            paid_minor_digits: statement.header.minor_digits,
            outcome: outcome_word(matched.outcome).into(),
            rule: matched.rule,
            tender: matched.tender,
            store: matched.store,
            business_date: matched.business_date,
            entry: matched.entry_id,
            difference: matched.difference,
            expected_fee: matched.expected_fee,
        }
    }
}

impl ManualSettlementView {
    pub(super) fn of(row: ManualSettlementRow) -> Self {
        Self {
            at: row.at.to_string(),
            actor: row.actor,
            what: if row.undo { "undone" } else { "settled" }.into(),
            reason: row.reason,
            before: outcome_word(row.before.outcome).into(),
            entry_before: row.before.entry_id,
            after: outcome_word(row.after.outcome).into(),
            entry_after: row.after.entry_id,
        }
    }
}
