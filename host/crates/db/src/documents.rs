//! Documents to be delivered to a directory.
//!
//! A lease has an owner and an end, by the clock of the caller, so that two deliverers never work on
//! the same document.

use crate::placeholders::{self, CHUNK, bind_padded, padded_list};
use crate::query::{Query, Row, SqlEnum, query};
use crate::retailers::waiting_retailers;
use crate::totals;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{DocumentRow, DocumentState, Documents, LeaseLimit};
use jiff::Timestamp;
use std::collections::HashMap;

impl SqlEnum for DocumentState {
    const ALL: &'static [Self] = Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

/// A condition that lets the commit return before PostgreSQL has synchronised its log, for writes whose loss in a crash
/// of the server changes nothing:
///
/// - A lease. Another host may lease the document then; the first one cannot prepare it without its lease.
/// - A delivery. Its document is prepared again. The temporary file is gone, so it is only recorded as delivered.
///
/// The state *prepared* must be on disk before the file gets its name: otherwise a crash would write a file again that its
/// receiver has taken.
const RELAXED: &str = " AND (SELECT set_config('synchronous_commit', 'off', true)) = 'off'";

/// All columns except the body, which lists never need.
macro_rules! without_body {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.event_id, d.subscriber, d.retailer, d.store_id, d.order_id, d.directory,
                 d.folder, d.name, d.media_type, d.size, d.digest, d.state, d.created_ms
             FROM documents d ",
            $rest
        )
    };
}

#[async_trait]
impl Documents for Transaction<'_> {
    async fn document_insert_many(&mut self, documents: &[DocumentRow]) -> Result<(), Error> {
        for chunk in documents.chunks(CHUNK) {
            let ids = chunk.iter().map(|document| &*document.id);
            match placeholders::insert_all(self, insert(chunk), "document", ids).await {
                Err(Error::Exists { what, id }) => {
                    let taken = chunk.iter().find(|document| document.id == id);
                    return match (self.document_get(&id).await?, taken) {
                        (None, Some(document)) => Err(Error::NameTaken {
                            directory: document.directory.clone(),
                            name: document.name.clone(),
                        }),
                        _ => Err(Error::Exists { what, id }),
                    };
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn document_waiting_retailers(
        &mut self,
        owner: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        let sql = waiting_retailers!(
            "documents",
            pending: "state NOT IN ('delivered', 'blocked')",
            ready: "(lease_owner IS NULL OR lease_owner = $1 OR lease_until_ms <= $2)",
            order: "serial"
        );
        let waiting = query("document_waiting_retailers", sql)
            .bind(owner)
            .bind_timestamp(now);
        self.fetch_all_as(waiting, |row| row.text("name")).await
    }

    async fn document_lease(
        &mut self,
        retailer: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: LeaseLimit,
    ) -> Result<Vec<DocumentRow>, Error> {
        let (skip, relaxed) = match self.locks() {
            true => (" FOR UPDATE SKIP LOCKED", RELAXED),
            false => ("", ""),
        };
        // The oldest documents without a lease, as long as their bodies together are within the limit.
        let sql = format!(
            "UPDATE documents SET lease_owner = $1, lease_until_ms = $2
             WHERE serial IN (SELECT serial FROM (
                 SELECT serial, ROW_NUMBER() OVER (ORDER BY serial) AS number,
                     SUM(CASE state WHEN 'pending' THEN size ELSE 0 END) OVER (ORDER BY serial) AS total
                 FROM (SELECT serial, state, size FROM documents
                     WHERE retailer = $3 AND state NOT IN ('delivered', 'blocked')
                       AND (lease_owner IS NULL OR lease_owner = $1 OR lease_until_ms <= $4)
                     ORDER BY serial LIMIT $5{skip}) few) few
                 WHERE number = 1 OR total <= $6){relaxed}
             RETURNING serial, id, event_id, subscriber, retailer, store_id, order_id, directory, folder, name,
                 media_type, size, digest, state, created_ms,
                 CASE WHEN state = 'pending' THEN body END AS body"
        );
        let lease = query("document_lease", sql)
            .bind(owner)
            .bind_timestamp(until)
            .bind(retailer)
            .bind_timestamp(now)
            .bind(i64::from(limit.documents))
            .bind(i64::try_from(limit.bytes).unwrap_or(i64::MAX));
        let leased = |row: &Row| {
            let body = row.opt_bytes("body")?;
            Ok((
                row.int("serial")?,
                DocumentRow {
                    body,
                    ..document(row)?
                },
            ))
        };
        let mut documents = self.fetch_all_as(lease, leased).await?;
        documents.sort_unstable_by_key(|(serial, _)| *serial);
        Ok(documents
            .into_iter()
            .map(|(_, document)| document)
            .collect())
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
        // A state only moves forward. Delivered and blocked are final.
        let (from, and_set) = match state {
            DocumentState::Pending => ("'pending'", ""),
            DocumentState::Prepared => ("'pending', 'prepared'", ""),
            DocumentState::Blocked => ("'pending', 'prepared'", ", lease_owner = NULL"),
            DocumentState::Delivered => (
                "'pending', 'prepared'",
                ", lease_owner = NULL, lease_until_ms = 0, body = NULL",
            ),
        };
        let relaxed = match self.locks() && state == DocumentState::Delivered {
            true => RELAXED,
            false => "",
        };
        let advance = format!(
            "UPDATE documents SET state = $1, moved_ms = $2{and_set}
             WHERE lease_owner = $3 AND lease_until_ms > $2 AND state IN ({from})
               AND id IN ({}){relaxed}
             RETURNING id",
            padded_list(4, ids.len())
        );
        let advance = query("document_advance", advance)
            .bind_enum(state)
            .bind_timestamp(now)
            .bind(owner);
        let requested: Vec<_> = ids.iter().map(String::as_str).collect();
        let rows = self.fetch_all(bind_padded(advance, &requested)).await?;
        let mut moved: Vec<_> = rows
            .iter()
            .map(|row| row.text("id"))
            .collect::<Result<_, _>>()?;
        let order: HashMap<_, _> = requested.iter().zip(0..).collect();
        moved.sort_by_key(|id| order.get(&id.as_str()).copied().unwrap_or(usize::MAX));
        Ok(moved)
    }

    async fn document_list_by_order(&mut self, order_id: &str) -> Result<Vec<DocumentRow>, Error> {
        let list = query(
            "document_list_by_order",
            without_body!("WHERE d.order_id = $1 ORDER BY d.serial"),
        )
        .bind(order_id);
        self.fetch_all_as(list, document).await
    }

    async fn document_list_before(
        &mut self,
        order_id: &str,
        subscriber: &str,
        event_id: &str,
    ) -> Result<Vec<DocumentRow>, Error> {
        // Earlier in the log, so that a late attempt sees what the first attempt saw. If one of the
        // two events is not in this log, every document written so far counts as earlier.
        let list = query(
            "document_list_before",
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
        self.fetch_all_as(list, document).await
    }

    async fn document_get(&mut self, id: &str) -> Result<Option<DocumentRow>, Error> {
        let get = query("document_get", without_body!("WHERE d.id = $1")).bind(id);
        self.fetch_optional_as(get, document).await
    }

    async fn document_has_name(
        &mut self,
        retailer: &str,
        directory: &str,
        name: &str,
    ) -> Result<bool, Error> {
        let find = query(
            "document_has_name",
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM documents WHERE retailer = $1
                     AND directory = $2 AND folder = '' AND name = $3)
                 OR EXISTS (SELECT 1 FROM documents WHERE retailer = $1 AND directory = $2
                     AND folder = $3 AND folder <> '')
                 THEN 1 ELSE 0 END AS found",
        );
        let find = find.bind(retailer).bind(directory).bind(name);
        self.fetch_one(find).await?.bool("found")
    }

    async fn document_count(&mut self, state: DocumentState) -> Result<u64, Error> {
        if state == DocumentState::Delivered {
            return totals::delivered(self).await;
        }
        // With the condition of an index of the few rows.
        let count = query(
            "document_count",
            "SELECT COUNT(*) AS documents FROM documents WHERE state <> 'delivered' AND state = $1",
        )
        .bind_enum(state);
        self.fetch_one(count).await?.int_as("documents")
    }
}

fn insert(documents: &[DocumentRow]) -> Query<'_> {
    let head = "INSERT INTO documents (id, event_id, subscriber, retailer, store_id, order_id, directory, folder,
        name, media_type, size, digest, body, state, created_ms, moved_ms)";
    let sql = (head, 16, "ON CONFLICT DO NOTHING RETURNING id");
    placeholders::insert(
        "document_insert_many",
        sql,
        documents,
        |insert, document| {
            insert
                .bind(&*document.id)
                .bind(&*document.event_id)
                .bind(&*document.subscriber)
                .bind(&*document.retailer)
                .bind(&*document.store_id)
                .bind_opt(document.order_id.as_deref())
                .bind(&*document.directory)
                .bind(&*document.folder)
                .bind(&*document.name)
                .bind(&*document.media_type)
                .bind(document.size)
                .bind(&*document.digest)
                .bind(document.body.as_deref())
                .bind_enum(document.state)
                .bind_timestamp(document.created_at)
                .bind_timestamp(document.created_at)
        },
    )
}

pub(crate) fn document(row: &Row) -> Result<DocumentRow, Error> {
    Ok(DocumentRow {
        id: row.text("id")?,
        event_id: row.text("event_id")?,
        subscriber: row.text("subscriber")?,
        retailer: row.text("retailer")?,
        store_id: row.text("store_id")?,
        order_id: row.opt_text("order_id")?,
        directory: row.text("directory")?,
        folder: row.text("folder")?,
        name: row.text("name")?,
        media_type: row.text("media_type")?,
        size: row.int("size")?,
        digest: row.text("digest")?,
        body: None,
        state: row.enum_value("state")?,
        created_at: row.timestamp("created_ms")?,
    })
}
