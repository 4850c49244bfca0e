//! The journal of attempts, and the texts it refers to by digest.

use crate::placeholders::{self, CHUNK};
use crate::query::{Query, Row, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{Journal, JournalRow};
use jiff::Timestamp;

/// Inserts an attempt.
macro_rules! insert {
    ($returning:literal) => {
        concat!(
            "INSERT INTO journal (event_id, subscriber, store_id, order_id, attempt, outcome, detail,
                 plugin, component, settings, argument, decision, cpu_us, memory_bytes,
                 output_bytes, at_ms, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            $returning
        )
    };
}

#[async_trait]
impl Journal for Transaction<'_> {
    async fn journal_insert(&mut self, row: &JournalRow) -> Result<(), Error> {
        let insert = bind(query("journal_insert", insert!("")), row);
        self.execute_later(insert).await
    }

    async fn journal_insert_applied(&mut self, row: &JournalRow) -> Result<bool, Error> {
        // Not in the statement that claims the effect: it may wait for a transaction that parks the event, and sees the
        // rows of its start.
        let insert = insert!(
            " RETURNING CASE WHEN EXISTS
                     (SELECT 1 FROM parked p WHERE p.event_id = $1 AND p.subscriber = $2)
                 OR EXISTS
                     (SELECT 1 FROM dead_letters d WHERE d.event_id = $1 AND d.subscriber = $2)
                 THEN 1 ELSE 0 END AS parked"
        );
        let insert = query("journal_insert", insert);
        self.fetch_one(bind(insert, row)).await?.bool("parked")
    }

    async fn journal_list_by_order(&mut self, order_id: &str) -> Result<Vec<JournalRow>, Error> {
        let list = query(
            "journal_list_by_order",
            "SELECT * FROM journal WHERE order_id = $1 ORDER BY serial",
        )
        .bind(order_id);
        self.fetch_all_as(list, journal).await
    }

    async fn journal_list_by_event(&mut self, event_id: &str) -> Result<Vec<JournalRow>, Error> {
        // Uses the index by event and subscriber. The rows are few and are sorted here.
        let list = query(
            "journal_list_by_event",
            "SELECT * FROM journal WHERE event_id = $1",
        )
        .bind(event_id);
        let mut rows = self
            .fetch_all(list)
            .await?
            .iter()
            .map(|row| Ok((row.int("serial")?, journal(row)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        rows.sort_by_key(|(serial, _)| *serial);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    async fn blob_put_many(&mut self, texts: &[(&str, &str)], at: Timestamp) -> Result<(), Error> {
        // In order, to prevent deadlocks; and a statement cannot change a row twice.
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        texts.dedup();
        for chunk in texts.chunks(CHUNK) {
            // Renew the time of last use at most once a day: retention counts in days.
            let put = placeholders::insert(
                "blob_put_many",
                (
                    "INSERT INTO blobs (digest, body, used_ms)",
                    3,
                    "ON CONFLICT (digest) DO UPDATE SET used_ms = excluded.used_ms
                     WHERE blobs.used_ms < excluded.used_ms - 86400000",
                ),
                chunk,
                |put, (digest, body)| put.bind(*digest).bind(*body).bind_timestamp(at),
            );
            self.execute_later(put).await?;
        }
        Ok(())
    }

    async fn blob_get(&mut self, digest: &str) -> Result<Option<String>, Error> {
        let get = query("blob_get", "SELECT body FROM blobs WHERE digest = $1").bind(digest);
        self.fetch_optional_as(get, |row| row.text("body")).await
    }
}

fn bind<'q>(insert: Query<'q>, row: &'q JournalRow) -> Query<'q> {
    insert
        .bind(&*row.event_id)
        .bind(&*row.subscriber)
        .bind(&*row.store_id)
        .bind_opt(row.order_id.as_deref())
        .bind(i64::from(row.attempt))
        .bind(&*row.outcome)
        .bind_opt(row.detail.as_deref())
        .bind(&*row.plugin)
        .bind(&*row.component)
        .bind(&*row.settings)
        .bind(&*row.argument)
        .bind_opt(row.decision.as_deref())
        .bind(row.cpu_us)
        .bind(row.memory_bytes)
        .bind(row.output_bytes)
        .bind_timestamp(row.at)
        .bind(&*row.retailer)
}

fn journal(row: &Row) -> Result<JournalRow, Error> {
    Ok(JournalRow {
        event_id: row.text("event_id")?,
        subscriber: row.text("subscriber")?,
        retailer: row.text("retailer")?,
        store_id: row.text("store_id")?,
        order_id: row.opt_text("order_id")?,
        attempt: row.int_as("attempt")?,
        outcome: row.text("outcome")?,
        detail: row.opt_text("detail")?,
        plugin: row.text("plugin")?,
        component: row.text("component")?,
        settings: row.text("settings")?,
        argument: row.text("argument")?,
        decision: row.opt_text("decision")?,
        cpu_us: row.int("cpu_us")?,
        memory_bytes: row.int("memory_bytes")?,
        output_bytes: row.int("output_bytes")?,
        at: row.timestamp("at_ms")?,
    })
}
