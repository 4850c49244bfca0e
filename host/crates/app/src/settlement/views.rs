//! Views of statements and lines.

use galleria_domain::{
    Allocation, MatchOutcome, MatchRule, Money, RecordedTender, StatementHeader, StatementLine,
};
use galleria_ports::Error;
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
    /// `matching` while lines are matched. Then `matched` if all payments and refunds match, `partly-matched` or
    /// `unmatched`.
    pub state: String,
    /// The number of lines that are payments or refunds, except lines that settle nothing.
    pub compared: u64,
    /// The number of these lines that match.
    pub matched: u64,
    /// Time of the import, RFC 3339.
    pub imported_at: String,
    /// Sums by outcome, which add up to `net`. Empty in lists.
    pub outcomes: Vec<OutcomeView>,
    /// The components of the payout. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<BalanceView>,
}

/// The components of a payout, in minor units of its currency: the five sums add up to its `net`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BalanceView {
    /// Payments and refunds that match, before fees.
    pub matched: Money,
    /// Payments and refunds that differ from the record, or that were settled before; before fees.
    pub differences: Money,
    /// Payments and refunds that no record explains, or that are not matched yet; before fees.
    pub unmatched: Money,
    /// The fees of all lines, and the lines that are fees; negative if the provider kept them.
    pub fees: Money,
    /// Chargebacks, corrections, and lines that a person settled without a record; before fees.
    pub other: Money,
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
    /// The parts of tenders that the line pays, each in the tender's minor units.
    pub parts: Vec<Allocation>,
    /// Statement minus record, in minor units of the line's currency. If lines pay less than their record, the last
    /// of them has the difference of all.
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
    /// The lines that pay these tenders.
    pub payments: Vec<PaymentView>,
    /// Allowed difference of amounts, minor units.
    pub amount_tolerance: Money,
    /// Allowed difference of fees, minor units.
    pub fee_tolerance: Money,
    /// Manual settlements, oldest first.
    pub manual_settlements: Vec<ManualSettlementView>,
}

/// The part of a tender that a line pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentView {
    /// The tender.
    pub tender: String,
    /// The line.
    pub line: String,
    /// In the tender's minor units; negative for a refund.
    pub amount: Money,
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
    /// The parts of tenders that the line pays after it.
    pub parts_after: Vec<Allocation>,
}

/// The result of reading a statement again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RereadView {
    /// The statement.
    pub statement: String,
    /// The number of lines before; 0 if the file was rejected before.
    pub lines_before: u64,
    /// The number of lines.
    pub lines: u64,
    /// The sum of the net amounts before, in minor units of the payout's currency.
    pub net_before: Money,
    /// The sum of the net amounts.
    pub net: Money,
    /// The number of manual settlements that are kept, because their lines did not change.
    pub manual_settlements_kept: u64,
    /// The manual settlements that are undone, because their lines changed.
    pub manual_settlements_undone: Vec<UndoneSettlement>,
}

/// A manual settlement that was undone because its line changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UndoneSettlement {
    /// The line's id before.
    pub line: String,
    /// The line's row in the file.
    pub row: u64,
    /// The actor who settled the line.
    pub actor: String,
    /// The reason of the settlement.
    pub reason: String,
    /// The sale or refund; empty if there was none.
    pub entry: String,
}

/// A payment or refund that no statement covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Uncovered {
    /// The tender.
    pub tender: RecordedTender,
    /// The part of its amount that no line pays.
    pub open: Money,
    /// Time of acceptance, RFC 3339.
    pub accepted_at: String,
    /// Days since its business date.
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
    /// A statement as lists show it.
    pub(super) fn of(row: StatementRow, counts: &[(Option<MatchOutcome>, u64)]) -> Self {
        let count = |is: fn(Option<MatchOutcome>) -> bool| {
            let counts = counts.iter().filter(|(outcome, _)| is(*outcome));
            counts.map(|(_, lines)| lines).sum()
        };
        let compared = count(|outcome| outcome != Some(MatchOutcome::NotApplicable));
        let matched = count(|outcome| outcome == Some(MatchOutcome::Matched));
        let state = match row.state {
            StatementState::Importing => "importing",
            StatementState::Matching => "matching",
            StatementState::Matched if matched == compared => "matched",
            StatementState::Matched if matched == 0 => "unmatched",
            StatementState::Matched => "partly-matched",
        };
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
            compared,
            matched,
            imported_at: row.imported_at.to_string(),
            outcomes: Vec::new(),
            balance: None,
        }
    }

    /// A statement with its sums. Fails if they do not add up to the payout.
    pub(super) fn with_sums(row: StatementRow, mut sums: Vec<OutcomeSum>) -> Result<Self, Error> {
        sums.sort_by_key(|sum| sum.outcome);
        let counts: Vec<_> = sums.iter().map(|sum| (sum.outcome, sum.lines)).collect();
        let balance = BalanceView::of(&sums);
        if balance.total() != row.net
            || counts.iter().map(|(_, lines)| lines).sum::<u64>() != row.lines
        {
            return Err(Error::Internal(format!(
                "the lines of statement {} do not add up to its payout of {}: {balance:?}",
                row.id, row.net
            )));
        }
        Ok(Self {
            outcomes: sums.into_iter().map(OutcomeView::of).collect(),
            balance: Some(balance),
            ..Self::of(row, &counts)
        })
    }
}

impl OutcomeView {
    fn of(sum: OutcomeSum) -> Self {
        Self {
            outcome: outcome_word(sum.outcome).into(),
            lines: sum.lines,
            converted: sum.converted,
            fee: sum.fee,
            net: sum.net,
        }
    }
}

impl BalanceView {
    fn of(sums: &[OutcomeSum]) -> Self {
        let mut balance = Self::default();
        for sum in sums {
            let place = match sum.outcome {
                Some(MatchOutcome::Matched) => &mut balance.matched,
                Some(
                    MatchOutcome::AmountMismatch
                    | MatchOutcome::CurrencyMismatch
                    | MatchOutcome::FeeMismatch
                    | MatchOutcome::Duplicate,
                ) => &mut balance.differences,
                Some(MatchOutcome::Unmatched) | None => &mut balance.unmatched,
                Some(MatchOutcome::NotApplicable) => &mut balance.other,
            };
            *place += sum.converted - sum.fee_lines;
            balance.fees += sum.fee_lines - sum.fee;
        }
        balance
    }

    /// The payout.
    pub fn total(&self) -> Money {
        self.matched + self.differences + self.unmatched + self.fees + self.other
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
            parts: matched.parts,
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
            parts_after: row.after.parts,
        }
    }
}
