//! Documents on their way to a directory.
//!
//! A lease keeps deliverers apart: who holds it, and until when, by the clock the caller passes.

use crate::statement::{Found, Statement, Word, statement};
use crate::transaction::{Lock, Transaction, inserted};
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{DocumentRow, DocumentState, Documents};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;

impl Word for DocumentState {
    const ALL: &'static [Self] = Self::ALL;

    fn word(self) -> &'static str {
        self.name()
    }
}

/// Every column but the body, which lists never need.
macro_rules! without_body {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.event_id, d.subscriber, d.retailer, d.store_id, d.order_id, d.directory,
                 d.name, d.media_type, d.size, d.digest, d.state, d.created_ms
             FROM documents d ",
            $rest
        )
    };
}

#[async_trait]
impl Documents for Transaction<'_> {
    async fn document_insert(&mut self, document: &DocumentRow) -> Result<(), Error> {
        let insert = statement(
            "document_insert",
            "INSERT INTO documents (id, event_id, subscriber, retailer, store_id, order_id,
                 directory, name, media_type, size, digest, body, state, created_ms, moved_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
             ON CONFLICT DO NOTHING",
        )
        .bind(&*document.id)
        .bind(&*document.event_id)
        .bind(&*document.subscriber)
        .bind(&*document.retailer)
        .bind(&*document.store_id)
        .maybe(document.order_id.as_deref())
        .bind(&*document.directory)
        .bind(&*document.name)
        .bind(&*document.media_type)
        .bind(document.size)
        .bind(&*document.digest)
        .bind(document.body.clone())
        .word(document.state)
        .at(document.created_at);
        if self.execute(insert).await? > 0 {
            return Ok(());
        }
        match self.document_get(&document.id).await? {
            Some(_) => inserted(0, "document", &document.id),
            None => Err(Error::NameTaken {
                directory: document.directory.clone(),
                name: document.name.clone(),
            }),
        }
    }

    async fn document_lease(
        &mut self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<DocumentRow>, Error> {
        let sql = self.locking(
            "SELECT * FROM documents
             WHERE state NOT IN ('delivered', 'blocked')
               AND (lease_owner IS NULL OR lease_owner = $1 OR lease_until_ms <= $2)
             ORDER BY serial LIMIT $3",
            Lock::Skip,
        );
        let free = statement("document_lease", sql)
            .bind(owner)
            .at(now)
            .bind(i64::from(limit));
        let found = self.all(free).await?;
        let documents: Vec<_> = found.iter().map(with_body).collect::<Result<_, _>>()?;
        let ids: Vec<_> = documents.iter().map(|row| row.id.as_str()).collect();
        if !ids.is_empty() {
            let lease = format!(
                "UPDATE documents SET lease_owner = $1, lease_until_ms = $2 WHERE id IN ({})",
                places(3, ids.len())
            );
            let lease = statement("document_lease", AssertSqlSafe(lease))
                .bind(owner)
                .at(until);
            self.execute(filled(lease, &ids)).await?;
        }
        Ok(documents)
    }

    async fn document_advance(
        &mut self,
        ids: &[String],
        owner: &str,
        state: DocumentState,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // Only forwards, from where the work is: what is delivered or blocked stays so.
        let (from, and) = match state {
            DocumentState::Pending => ("'pending'", ""),
            DocumentState::Prepared => ("'pending', 'prepared'", ""),
            DocumentState::Blocked => ("'pending', 'prepared'", ", lease_owner = NULL"),
            DocumentState::Delivered => (
                "'pending', 'prepared'",
                ", lease_owner = NULL, lease_until_ms = 0, body = NULL",
            ),
        };
        let advance = format!(
            "UPDATE documents SET state = $1, moved_ms = $2{and}
             WHERE lease_owner = $3 AND lease_until_ms > $2 AND state IN ({from})
               AND id IN ({})
             RETURNING id",
            places(4, ids.len())
        );
        let advance = statement("document_advance", AssertSqlSafe(advance))
            .word(state)
            .at(now)
            .bind(owner);
        let given: Vec<_> = ids.iter().map(String::as_str).collect();
        let found = self.all(filled(advance, &given)).await?;
        let mut moved: Vec<_> = found
            .iter()
            .map(|found| found.text("id"))
            .collect::<Result<_, _>>()?;
        let place: HashMap<_, _> = given.iter().zip(0..).collect();
        moved.sort_by_key(|id| place.get(&id.as_str()).copied().unwrap_or(usize::MAX));
        Ok(moved)
    }

    async fn documents_of_order(&mut self, order_id: &str) -> Result<Vec<DocumentRow>, Error> {
        let list = statement(
            "documents_of_order",
            without_body!("WHERE d.order_id = $1 ORDER BY d.serial"),
        )
        .bind(order_id);
        self.all(list).await?.iter().map(document).collect()
    }

    async fn documents_before(
        &mut self,
        order_id: &str,
        subscriber: &str,
        event_id: &str,
    ) -> Result<Vec<DocumentRow>, Error> {
        // Earlier in the log, so that a late attempt sees what the first would have seen. Where one
        // of the two is not in this log, what was written by now counts as earlier.
        let list = statement(
            "documents_before",
            without_body!(
                "LEFT JOIN outbox theirs ON theirs.id = d.event_id
                 LEFT JOIN outbox mine ON mine.id = $3
                 WHERE d.order_id = $1 AND d.subscriber = $2 AND d.event_id <> $3
                   AND (theirs.position IS NULL OR mine.position IS NULL
                        OR theirs.position < mine.position)
                 ORDER BY d.serial"
            ),
        )
        .bind(order_id)
        .bind(subscriber)
        .bind(event_id);
        self.all(list).await?.iter().map(document).collect()
    }

    async fn document_get(&mut self, id: &str) -> Result<Option<DocumentRow>, Error> {
        let get = statement("document_get", without_body!("WHERE d.id = $1")).bind(id);
        self.row(get, document).await
    }

    async fn document_count(&mut self, state: DocumentState) -> Result<u64, Error> {
        let count = statement(
            "document_count",
            "SELECT COUNT(*) AS documents FROM documents WHERE state = $1",
        )
        .word(state);
        self.only(count).await?.narrow("documents")
    }
}

/// How many places a list of `count` ids gets: the next power of two, so that a handful of texts
/// serves every length and each is prepared once.
fn width(count: usize) -> usize {
    count.next_power_of_two()
}

/// `$first, $first+1...`
pub(crate) fn places(first: usize, count: usize) -> String {
    let all: Vec<_> = (first..first + width(count))
        .map(|place| format!("${place}"))
        .collect();
    all.join(", ")
}

/// Fills the places; the last id fills what is left over.
pub(crate) fn filled<'q>(mut statement: Statement<'q>, ids: &[&'q str]) -> Statement<'q> {
    let last = ids.last().copied().unwrap_or_default();
    for place in 0..width(ids.len()) {
        statement = statement.bind(ids.get(place).copied().unwrap_or(last));
    }
    statement
}

fn with_body(found: &Found) -> Result<DocumentRow, Error> {
    let mut row = document(found)?;
    row.body = found.bytes("body")?;
    Ok(row)
}

pub(crate) fn document(found: &Found) -> Result<DocumentRow, Error> {
    Ok(DocumentRow {
        id: found.text("id")?,
        event_id: found.text("event_id")?,
        subscriber: found.text("subscriber")?,
        retailer: found.text("retailer")?,
        store_id: found.text("store_id")?,
        order_id: found.maybe("order_id")?,
        directory: found.text("directory")?,
        name: found.text("name")?,
        media_type: found.text("media_type")?,
        size: found.int("size")?,
        digest: found.text("digest")?,
        body: None,
        state: found.word("state")?,
        created_at: found.at("created_ms")?,
    })
}
