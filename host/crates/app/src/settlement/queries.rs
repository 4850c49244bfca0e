//! Queries for statements and lines, and the explanation of a line's outcome.

use super::views::{
    ExplainView, LineView, ManualSettlementView, PaymentView, StatementView, Uncovered, parts,
};
use crate::settlement::Settlement;
use galleria_domain::matching::ReferenceKind;
use galleria_domain::{MatchOutcome, MatchRule, RecordedTender};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{LineRow, StatementRow, StatementState, Tx, UncoveredCursor};
use jiff::{Timestamp, tz::TimeZone};

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
            StatementView::with_sums(row, sums).map(Some)
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
        let views = self.core.records.read(in_tx!(|tx, retailer, after| {
            let after = after.as_ref().map(|(day, id)| (&**day, &**id));
            let rows = tx.statement_list(retailer.as_deref(), after, limit).await?;
            let mut views = Vec::with_capacity(rows.len());
            for row in rows {
                let counts = tx.statement_counts(&row.id).await?;
                views.push(StatementView::of(row, &counts));
            }
            Ok(views)
        }));
        views.await
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
            let candidates = candidates(tx, &row).await?;
            let mut payments = Vec::new();
            for tender in &candidates {
                for (line, amount) in tx.tender_payments(&tender.id, CANDIDATES).await? {
                    payments.push(PaymentView {
                        tender: tender.id.clone(),
                        line,
                        amount,
                    });
                }
            }
            let manual_settlements = tx.manual_settlement_list(&id).await?;
            Ok(Some((
                statement,
                row,
                candidates,
                payments,
                manual_settlements,
            )))
        }));
        let (statement, row, candidates, payments, manual_settlements) =
            read.await?.ok_or_else(|| Error::NotFound {
                what: "statement line",
                id: id.to_owned(),
            })?;
        let rules = self.matching_rules(&row.retailer)?;
        // The recorded reason: rules and payments may have changed since.
        let because = because(row.matched.rule, row.matched.outcome);
        Ok(ExplainView {
            line: LineView::of(&statement, row),
            because,
            candidates,
            payments,
            amount_tolerance: rules.amount_tolerance,
            fee_tolerance: rules.fee_tolerance,
            manual_settlements: manual_settlements
                .into_iter()
                .map(ManualSettlementView::of)
                .collect(),
        })
    }

    /// Lists payments and refunds that are overdue on statements, the oldest first: those whose business date is at
    /// least `days` days ago, by default the number in the retailer's setting. Also returns the `after` of the next
    /// page.
    pub async fn uncovered(
        &self,
        retailer: &str,
        days: Option<u32>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<Uncovered>, Option<String>), Error> {
        let rules = self.matching_rules(retailer)?;
        let today = self
            .core
            .clock
            .now()
            .to_zoned_datetime(TimeZone::UTC)
            .date();
        let days = jiff::Span::new().try_days(days.unwrap_or(rules.uncovered_after_days));
        // No date is that old.
        let last = days.and_then(|days| today.checked_sub(days));
        let last = last.unwrap_or(jiff::civil::Date::ZERO).to_string();
        let after = match after {
            Some(text) => uncovered_key(text)?,
            None => UncoveredCursor {
                business_date: String::new(),
                id: String::new(),
            },
        };
        let kinds: Vec<String> = rules.settled_kinds.into_iter().collect();
        let retailer = retailer.to_owned();
        let rows = self
            .core
            .records
            .read(in_tx!(|tx, retailer, last, kinds, after| tx
                .tender_list_uncovered(&retailer, &last, &kinds, &after, limit + 1)
                .await));
        let mut rows = rows.await?;
        let page_size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > page_size;
        rows.truncate(page_size);
        let last = rows.last().filter(|_| more);
        let next = last.map(|(tender, _)| format!("{}~{}", tender.business_date, tender.id));
        let view = |(tender, at): (RecordedTender, Timestamp)| {
            let day = tender.business_date.parse().unwrap_or(today);
            Uncovered {
                open: tender.amount - tender.settled,
                tender,
                accepted_at: at.to_string(),
                days: today.since(day).map_or(0, |age| age.get_days().into()),
            }
        };
        Ok((rows.into_iter().map(view).collect(), next))
    }
}

/// The maximum number of tenders of a reference, and of lines of a tender, in an explanation.
const CANDIDATES: u32 = 50;

/// The tenders that share a reference with a line.
async fn candidates(tx: &mut dyn Tx, row: &LineRow) -> Result<Vec<RecordedTender>, Error> {
    let mut tenders: Vec<RecordedTender> = Vec::new();
    for kind in ReferenceKind::ALL {
        let reference = kind.of_line(&row.line);
        if reference.is_empty() {
            continue;
        }
        let found = tx
            .tender_list_by_reference(&row.retailer, kind, reference, CANDIDATES)
            .await?;
        for tender in found {
            if tenders.iter().all(|other| other.id != tender.id) {
                tenders.push(tender);
            }
        }
    }
    Ok(tenders)
}

fn uncovered_key(text: &str) -> Result<UncoveredCursor, Error> {
    let wrong = || Error::invalid("after", "must be the `next` of the previous page");
    let (day, id) = text.split_once('~').ok_or_else(wrong)?;
    day.parse::<jiff::civil::Date>().map_err(|_| wrong())?;
    Ok(UncoveredCursor {
        business_date: day.to_owned(),
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
        MatchRule::ZeroAmount => return "its amount is zero, so it settles nothing".into(),
        MatchRule::NothingFound => {
            return "no recorded payment or refund has one of its references and fits its amount"
                .into();
        }
        MatchRule::Hand => return "a person settled it".into(),
        MatchRule::ModificationReference => "the provider's reference of the refund",
        MatchRule::PspReference => "the provider's reference of the payment",
        MatchRule::MerchantReference => "our own reference",
    };
    let found = match outcome {
        MatchOutcome::Duplicate => "but other lines have already settled it",
        MatchOutcome::CurrencyMismatch => "but the record has another currency",
        MatchOutcome::AmountMismatch => "but the amounts differ by more than the tolerance",
        MatchOutcome::FeeMismatch => "but the fee is not the agreed one",
        _ => "and amount, currency and fee agree",
    };
    format!("found by {by}, {found}")
}
