//! Queries for statements and lines, and the explanation of a line's outcome.

use super::views::{ExplainView, LineView, ManualSettlementView, StatementView, Uncovered, parts};
use crate::settlement::Settlement;
use galleria_domain::{MatchOutcome, MatchRule, RecordedTender};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{StatementRow, StatementState, UncoveredCursor};
use jiff::Timestamp;

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
        let requested_id = id.to_owned();
        let found = self.core.records.read(in_tx!(|tx, requested_id| {
            let id = requested_id;
            let row = tx.statement_get(&id).await?;
            let Some(row) = row.filter(|row| row.state != StatementState::Importing) else {
                return Ok(None);
            };
            let sums = tx.statement_sums(&id).await?;
            Ok(Some(StatementView::of(row, sums)))
        }));
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
        let rows = self.core.records.read(in_tx!(|tx, retailer, after| {
            let after = after.as_ref().map(|(day, id)| (&**day, &**id));
            tx.statement_list(retailer.as_deref(), after, limit).await
        }));
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
        let requested_id = id.to_owned();
        let found = self.core.records.read(in_tx!(|tx, requested_id| {
            let id = requested_id;
            let statement = tx.statement_get(&id).await?;
            let there = statement.filter(|row| row.state != StatementState::Importing);
            let Some(statement) = there else {
                return Ok(None);
            };
            let rows = tx.statement_line_list(&id, outcome, after, limit).await?;
            let views = rows.into_iter().map(|row| LineView::of(&statement, row));
            Ok(Some(views.collect()))
        }));
        found.await?.ok_or_else(|| no_statement(id))
    }

    /// The reason of the outcome of a line.
    pub async fn explain_line(&self, id: &str) -> Result<ExplainView, Error> {
        let requested_id = id.to_owned();
        let read = self.core.records.read(in_tx!(|tx, requested_id| {
            let id = requested_id;
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
        }));
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
        let rows = self
            .core
            .records
            .read(in_tx!(|tx, retailer, kinds, after| tx
                .tender_list_uncovered(&retailer, before, &kinds, &after, limit + 1)
                .await));
        let mut rows = rows.await?;
        let page_size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > page_size;
        rows.truncate(page_size);
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
