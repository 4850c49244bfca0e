//! Timelines: everything recorded about an id.
//!
//! These queries run while tills sell, so each uses an index and has a limit. `timeline_queries`
//! contains their texts.

use crate::query::{Row, query};
use crate::timeline_queries::{
    CURRENCY_OF, EVENT_STORE, LINE_EXISTS, ORDER_EVENTS, ORDER_TAXES, SUBJECTS,
    SUBJECTS_OF_RETAILER, TAX_EVALUATION, queries_for,
};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::tax::{OrderTaxes, TaxRoute};
use galleria_ports::Error;
use galleria_ports::records::{Subject, TimelineRow, TimelineRows, Timelines};

#[async_trait]
impl Timelines for Transaction<'_> {
    async fn timeline_subjects(
        &mut self,
        id: &str,
        limit: u32,
    ) -> Result<Vec<(Subject, String)>, Error> {
        let mut subjects = Vec::new();
        for (subject, sql) in SUBJECTS {
            let lookup = query("timeline_subjects", *sql)
                .bind(id)
                .bind(i64::from(limit));
            for row in self.fetch_all(lookup).await? {
                subjects.push((*subject, row.text("id")?));
            }
        }
        // Provider references are unique within a retailer at most, so their indexes begin with it.
        let mut retailer = String::new();
        while let Some(next) = next_retailer(self, &retailer).await? {
            retailer = next;
            for (subject, sql) in SUBJECTS_OF_RETAILER {
                let lookup = query("timeline_subjects", *sql)
                    .bind(id)
                    .bind(i64::from(limit))
                    .bind(retailer.clone());
                for row in self.fetch_all(lookup).await? {
                    subjects.push((*subject, row.text("id")?));
                }
            }
        }
        if let Some((statement_id, number)) = parse_line_id(id) {
            let line = query("timeline_subjects", LINE_EXISTS)
                .bind(statement_id)
                .bind(number);
            if self.fetch_optional(line).await?.is_some() {
                subjects.push((Subject::Line, id.to_owned()));
            }
        }
        subjects.sort();
        subjects.dedup();
        Ok(subjects)
    }

    async fn timeline_rows(
        &mut self,
        subject: Subject,
        id: &str,
        limit: u32,
    ) -> Result<TimelineRows, Error> {
        let mut timeline = TimelineRows::default();
        let (id, number) = match subject {
            Subject::Line => parse_line_id(id).unwrap_or((id, 0)),
            _ => (id, 0),
        };
        for entry in queries_for(subject) {
            let mut list = query("timeline_rows", entry.sql)
                .bind(id)
                .bind(i64::from(limit) + 1);
            if subject == Subject::Line {
                list = list.bind(number);
            }
            let mut rows = self
                .fetch_all(list)
                .await?
                .iter()
                .map(|row| timeline_row(row, entry.kind, entry.columns))
                .collect::<Result<Vec<_>, _>>()?;
            let max = usize::try_from(limit).unwrap_or(usize::MAX);
            if rows.len() > max {
                rows.truncate(max);
                timeline.truncated.push(entry.kind);
            }
            timeline.rows.append(&mut rows);
        }
        Ok(timeline)
    }

    async fn timeline_events(&mut self, order_id: &str, limit: u32) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        for sql in ORDER_EVENTS {
            let list = query("timeline_events", *sql)
                .bind(order_id)
                .bind(i64::from(limit));
            for row in self.fetch_all(list).await? {
                ids.push(row.text("id")?);
            }
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    async fn timeline_store(&mut self, event_id: &str) -> Result<Option<String>, Error> {
        for sql in EVENT_STORE {
            let lookup = query("timeline_store", *sql).bind(event_id);
            if let Some(row) = self.fetch_optional(lookup).await? {
                return row.text("id").map(Some);
            }
        }
        Ok(None)
    }
}

/// Returns the next retailer by name. Stepping from one to the next avoids reading all stores: there
/// are few retailers with thousands of stores each.
pub(crate) async fn next_retailer(
    tx: &mut Transaction<'_>,
    after: &str,
) -> Result<Option<String>, Error> {
    let next = query(
        "next_retailer",
        "SELECT retailer FROM stores WHERE retailer > $1 ORDER BY retailer LIMIT 1",
    )
    .bind(after.to_owned());
    let row = tx.fetch_optional(next).await?;
    row.map(|row| row.text("retailer")).transpose()
}

/// Splits the id of a statement line into the statement's id and the line's number.
fn parse_line_id(id: &str) -> Option<(&str, i64)> {
    let (statement, number) = id.rsplit_once('.')?;
    Some((statement, number.parse().ok()?))
}

/// The currency of a store or a line.
#[derive(serde::Deserialize)]
struct CurrencyOf {
    currency: String,
    minor_digits: u8,
}

/// The part of a recorded evaluation that an entry shows.
#[derive(serde::Deserialize)]
struct EvaluationFacts {
    route: TaxRoute,
    fallback: bool,
    total_tax: String,
    total_basket_amount_after_tax: String,
}

impl EvaluationFacts {
    fn facts(self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("route", self.route.to_string()),
            ("total_tax", self.total_tax),
            ("total_after_tax", self.total_basket_amount_after_tax),
        ];
        if self.fallback {
            facts.push(("fallback", "true".to_owned()));
        }
        facts
    }
}

fn timeline_row(
    row: &Row,
    kind: &'static str,
    columns: &'static [&'static str],
) -> Result<TimelineRow, Error> {
    let mut facts = Vec::new();
    for &name in columns {
        if name == CURRENCY_OF {
            let of: CurrencyOf = row.json(name)?;
            facts.push(("currency", of.currency));
            facts.push(("minor_digits", of.minor_digits.to_string()));
        } else if name == ORDER_TAXES {
            let taxes: OrderTaxes = row.json(name)?;
            facts.extend(taxes.facts());
        } else if name == TAX_EVALUATION {
            let evaluation: EvaluationFacts = row.json(name)?;
            facts.extend(evaluation.facts());
        } else if let Some(text) = row.opt_text(name)?.filter(|text| !text.is_empty()) {
            facts.push((name, text));
        }
    }
    Ok(TimelineRow {
        at: row.timestamp("at_ms")?,
        kind,
        id: row.text("id")?,
        facts,
    })
}
