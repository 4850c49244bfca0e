//! What is known about an id. Every statement goes along an index and is bounded: these run beside
//! the tills. Which questions there are stands in `story_questions`.

use crate::query::{Row, query};
use crate::story_questions::{EVENTS, LINE, STORES, TIED, TIED_BY_RETAILER, about};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{Stories, StoryRow, StoryRows, Subject};

#[async_trait]
impl Stories for Transaction<'_> {
    async fn story_subjects(
        &mut self,
        id: &str,
        limit: u32,
    ) -> Result<Vec<(Subject, String)>, Error> {
        let mut subjects = Vec::new();
        for (subject, sql) in TIED {
            let tied = query("story_subjects", *sql)
                .bind(id)
                .bind(i64::from(limit));
            for row in self.fetch_all(tied).await? {
                subjects.push((*subject, row.text("id")?));
            }
        }
        // References of providers are unique within a retailer at most, and indexed by it.
        let mut retailer = String::new();
        while let Some(next) = next_retailer(self, &retailer).await? {
            retailer = next;
            for (subject, sql) in TIED_BY_RETAILER {
                let tied = query("story_subjects", *sql)
                    .bind(id)
                    .bind(i64::from(limit))
                    .bind(retailer.clone());
                for row in self.fetch_all(tied).await? {
                    subjects.push((*subject, row.text("id")?));
                }
            }
        }
        if let Some((of, number)) = line_of(id) {
            let line = query("story_subjects", LINE).bind(of).bind(number);
            if self.fetch_optional(line).await?.is_some() {
                subjects.push((Subject::Line, id.to_owned()));
            }
        }
        subjects.sort();
        subjects.dedup();
        Ok(subjects)
    }

    async fn story_rows(
        &mut self,
        subject: Subject,
        id: &str,
        limit: u32,
    ) -> Result<StoryRows, Error> {
        let mut told = StoryRows::default();
        let (key, number) = match subject {
            Subject::Line => line_of(id).unwrap_or((id, 0)),
            _ => (id, 0),
        };
        for question in about(subject) {
            let mut list = query("story_rows", question.sql)
                .bind(key)
                .bind(i64::from(limit) + 1);
            if subject == Subject::Line {
                list = list.bind(number);
            }
            let mut rows = self
                .fetch_all(list)
                .await?
                .iter()
                .map(|row| timeline_row(row, question.what, question.facts))
                .collect::<Result<Vec<_>, _>>()?;
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            if rows.len() > most {
                rows.truncate(most);
                told.cut.push(question.what);
            }
            told.rows.append(&mut rows);
        }
        Ok(told)
    }

    async fn story_events(&mut self, order_id: &str, limit: u32) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        for sql in EVENTS {
            let list = query("story_events", *sql)
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

    async fn story_store(&mut self, event_id: &str) -> Result<Option<String>, Error> {
        for sql in STORES {
            let asked = query("story_store", *sql).bind(event_id);
            if let Some(row) = self.fetch_optional(asked).await? {
                return row.text("id").map(Some);
            }
        }
        Ok(None)
    }
}

/// From one to the next: a retailer has thousands of stores, and there are few retailers.
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

/// A line's id is its statement's and its number.
fn line_of(id: &str) -> Option<(&str, i64)> {
    let (statement, number) = id.rsplit_once('.')?;
    Some((statement, number.parse().ok()?))
}

fn timeline_row(
    row: &Row,
    what: &'static str,
    names: &'static [&'static str],
) -> Result<StoryRow, Error> {
    let mut facts = Vec::new();
    for &name in names {
        if let Some(text) = row.opt_text(name)?.filter(|text| !text.is_empty()) {
            facts.push((name, text));
        }
    }
    Ok(StoryRow {
        at: row.timestamp("at_ms")?,
        what,
        id: row.text("id")?,
        facts,
    })
}
