//! Views of statements and lines, and the explanation of a line's outcome.

use crate::settlement::Settlement;
use galleria_domain::{
    MatchOutcome, MatchRule, Money, RecordedTender, StatementHeader, StatementLine,
};
use galleria_ports::Error;
use galleria_ports::records::{
    LineRow, ManualSettlementRow, OutcomeSum, StatementRow, StatementState, UncoveredCursor,
};
use jiff::Timestamp;
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
    fn of(row: StatementRow, sums: Vec<OutcomeSum>) -> Self {
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
    fn of(row: ManualSettlementRow) -> Self {
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

fn no_statement(id: &str) -> Error {
    Error::NotFound {
        what: "statement",
        id: id.to_owned(),
    }
}

impl Settlement {
    /// The view of a statement after its import.
    pub(super) async fn seen(
        &self,
        row: StatementRow,
        before: bool,
    ) -> Result<super::Imported, Error> {
        let statement = self.statement(&row.id).await?;
        Ok(super::Imported { statement, before })
    }

    /// Returns a statement with its sums.
    pub async fn statement(&self, id: &str) -> Result<StatementView, Error> {
        let asked = id.to_owned();
        let found = self.core.records.read(move |tx| {
            let id = asked.clone();
            Box::pin(async move {
                let row = tx.statement_get(&id).await?;
                let Some(row) = row.filter(|row| row.state != StatementState::Importing) else {
                    return Ok(None);
                };
                let sums = tx.statement_sums(&id).await?;
                Ok(Some(StatementView::of(row, sums)))
            })
        });
        found.await?.ok_or_else(|| no_statement(id))
    }

    /// Lists statements, the latest payout first, starting after a day and id.
    pub async fn statements(
        &self,
        retailer: Option<&str>,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<StatementView>, Error> {
        let retailer = retailer.map(str::to_owned);
        let after = after.map(|(day, id)| (day.to_owned(), id.to_owned()));
        let rows = self.core.records.read(move |tx| {
            let (retailer, after) = (retailer.clone(), after.clone());
            Box::pin(async move {
                let after = after.as_ref().map(|(day, id)| (&**day, &**id));
                tx.statement_list(retailer.as_deref(), after, limit).await
            })
        });
        let rows = rows.await?.into_iter();
        Ok(rows.map(|row| StatementView::of(row, Vec::new())).collect())
    }

    /// Lists lines of a statement after a number, optionally of one outcome.
    pub async fn lines(
        &self,
        id: &str,
        outcome: Option<MatchOutcome>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LineView>, Error> {
        let asked = id.to_owned();
        let found = self.core.records.read(move |tx| {
            let id = asked.clone();
            Box::pin(async move {
                let statement = tx.statement_get(&id).await?;
                let there = statement.filter(|row| row.state != StatementState::Importing);
                let Some(statement) = there else {
                    return Ok(None);
                };
                let rows = tx.statement_line_list(&id, outcome, after, limit).await?;
                let views = rows.into_iter().map(|row| LineView::of(&statement, row));
                Ok(Some(views.collect()))
            })
        });
        found.await?.ok_or_else(|| no_statement(id))
    }

    /// The reason of the outcome of a line.
    pub async fn explain_line(&self, id: &str) -> Result<ExplainView, Error> {
        let asked = id.to_owned();
        let read = self.core.records.read(move |tx| {
            let id = asked.clone();
            Box::pin(async move {
                let Some((statement, number)) = parts(&id) else {
                    return Ok(None);
                };
                let row = tx.statement_line_get(statement, number).await?;
                let statement = tx.statement_get(statement).await?;
                let there = statement.filter(|row| row.state != StatementState::Importing);
                let Some((statement, row)) = there.zip(row) else {
                    return Ok(None);
                };
                let candidates = tx
                    .tender_list_by_reference(&row.retailer, &row.line, 50)
                    .await?;
                let manual_settlements = tx.manual_settlement_list(&id).await?;
                Ok(Some((statement, row, candidates, manual_settlements)))
            })
        });
        let (statement, row, candidates, manual_settlements) =
            read.await?.ok_or_else(|| Error::NotFound {
                what: "statement line",
                id: id.to_owned(),
            })?;
        let rules = self.matching_rules(&row.retailer);
        // The recorded reason: rules and payments may have changed since.
        let because = because(row.matched.rule, row.matched.outcome);
        Ok(ExplainView {
            line: LineView::of(&statement, row),
            because,
            candidates,
            amount_tolerance: rules.amount_tolerance,
            fee_tolerance: rules.fee_tolerance,
            manual_settlements: manual_settlements
                .into_iter()
                .map(ManualSettlementView::of)
                .collect(),
        })
    }

    /// Lists payments and refunds that are overdue on statements, the oldest first. `days` overrides the retailer's
    /// setting. Also returns the `after` of the next page.
    pub async fn uncovered(
        &self,
        retailer: &str,
        days: Option<u32>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<Uncovered>, Option<String>), Error> {
        let rules = self.matching_rules(retailer);
        let now = self.core.clock.now();
        let days = i64::from(days.unwrap_or(rules.uncovered_after_days));
        let age = jiff::SignedDuration::from_hours(days.saturating_mul(24));
        // Saturate: nothing is that old.
        let before = now.checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
        let after = match after {
            Some(text) => uncovered_key(text)?,
            None => UncoveredCursor {
                accepted_at: Timestamp::UNIX_EPOCH,
                id: String::new(),
            },
        };
        let kinds: Vec<String> = rules.settled_kinds.into_iter().collect();
        let retailer = retailer.to_owned();
        let rows = self.core.records.read(move |tx| {
            let (retailer, kinds, after) = (retailer.clone(), kinds.clone(), after.clone());
            Box::pin(async move {
                tx.tender_list_uncovered(&retailer, before, &kinds, &after, limit + 1)
                    .await
            })
        });
        let mut rows = rows.await?;
        let asked = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > asked;
        rows.truncate(asked);
        let last = rows.last().filter(|_| more);
        let next = last.map(|(tender, at)| format!("{}~{}", at.as_millisecond(), tender.id));
        let view = |(tender, at): (RecordedTender, Timestamp)| Uncovered {
            tender,
            accepted_at: at.to_string(),
            days: now.duration_since(at).as_hours() / 24,
        };
        Ok((rows.into_iter().map(view).collect(), next))
    }
}

fn uncovered_key(text: &str) -> Result<UncoveredCursor, Error> {
    let wrong = || Error::invalid("after", "must be the `next` of the previous page");
    let (at, id) = text.split_once('~').ok_or_else(wrong)?;
    let at = at.parse().map_err(|_| wrong())?;
    Ok(UncoveredCursor {
        accepted_at: Timestamp::from_millisecond(at).map_err(|_| wrong())?,
        id: id.to_owned(),
    })
}

/// Explains a verdict in one sentence.
fn because(rule: Option<MatchRule>, outcome: Option<MatchOutcome>) -> String {
    let Some((rule, outcome)) = rule.zip(outcome) else {
        return "the line is not matched yet".into();
    };
    let by = match rule {
        MatchRule::Kind => return "lines of this kind have nothing to match with".into(),
        MatchRule::NothingFound => {
            return "no recorded payment or refund has one of its references".into();
        }
        MatchRule::Hand => return "a person settled it".into(),
        MatchRule::ModificationReference => "the provider's reference of the refund",
        MatchRule::PspReference => "the provider's reference of the payment",
        MatchRule::MerchantReference => "our own reference",
    };
    let found = match outcome {
        MatchOutcome::Duplicate => "but another line has already settled it",
        MatchOutcome::CurrencyMismatch => "but the record has another currency",
        MatchOutcome::AmountMismatch => "but the amounts differ by more than the tolerance",
        MatchOutcome::FeeMismatch => "but the fee is not the agreed one",
        _ => "and amount, currency and fee agree",
    };
    format!("found by {by}, {found}")
}
