//! Totals of the events, documents and CPU time of each store, without counting whole tables.
//!
//! Rows are added to `store_totals` in the order of their numbers, some minutes after they were written. Queries add
//! the few rows since then. A document counts with its insertion; those that are not delivered are subtracted.

use crate::query::{Row, query};
use crate::transaction::{Lock, Transaction};
use galleria_ports::Error;
use galleria_ports::records::StoreMetrics;
use jiff::Timestamp;
use std::time::Duration;

/// Longer than any transaction that writes one of these rows: on PostgreSQL, a row may be committed after rows with
/// higher numbers.
const UNCOMMITTED_FOR: Duration = Duration::from_secs(300);

/// Rows that one transaction adds.
const AT_ONCE: i64 = 50_000;

/// A table whose rows are counted.
struct Counted {
    name: &'static str,
    /// Table, number of a row, and the counts: events, documents and CPU time.
    table: &'static str,
    number: &'static str,
    counts: &'static str,
    condition: &'static str,
}

/// Publications have ids with `/`.
const COUNTED: [Counted; 3] = [
    Counted {
        name: "events",
        table: "outbox",
        number: "position",
        counts: "COUNT(*) AS events, 0 AS documents, 0 AS cpu_us",
        condition: "store_id IS NOT NULL AND id NOT LIKE '%/%'",
    },
    Counted {
        name: "documents",
        table: "documents",
        number: "serial",
        counts: "0 AS events, COUNT(*) AS documents, 0 AS cpu_us",
        condition: "store_id IS NOT NULL",
    },
    Counted {
        name: "attempts",
        table: "journal",
        number: "serial",
        counts: "0 AS events, 0 AS documents, CAST(SUM(cpu_us) AS BIGINT) AS cpu_us",
        condition: "store_id IS NOT NULL",
    },
];

/// The totals of stores with events, by store id.
pub(crate) async fn list(tx: &mut Transaction<'_>) -> Result<Vec<StoreMetrics>, Error> {
    let recent = COUNTED.map(|of| {
        let Counted {
            name,
            table,
            number,
            counts,
            condition,
        } = of;
        format!(
            "UNION ALL SELECT store_id, {counts} FROM {table}
             WHERE {number} > (SELECT up_to FROM totals_progress WHERE counted = '{name}') AND {condition}
             GROUP BY store_id"
        )
    });
    let sql = format!(
        "SELECT store_id, CAST(SUM(events) AS BIGINT) AS events, CAST(SUM(documents) AS BIGINT) AS documents,
             CAST(SUM(cpu_us) AS BIGINT) AS cpu_us
         FROM (SELECT store_id, events, documents, cpu_us FROM store_totals {}
             UNION ALL SELECT store_id, 0, -COUNT(*), 0 FROM documents WHERE state <> 'delivered' GROUP BY store_id)
             counts
         GROUP BY store_id HAVING SUM(events) > 0",
        recent.join(" ")
    );
    let totals = query("store_metrics", sql);
    let of_store = |row: &Row| {
        Ok(StoreMetrics {
            store_id: row.text("store_id")?,
            events: row.int_as("events")?,
            documents: row.int_as("documents")?,
            cpu_us: row.int_as("cpu_us")?,
        })
    };
    let mut totals = tx.fetch_all_as(totals, of_store).await?;
    totals.sort_by(|a, b| a.store_id.cmp(&b.store_id));
    Ok(totals)
}

/// The number of delivered documents.
pub(crate) async fn delivered(tx: &mut Transaction<'_>) -> Result<u64, Error> {
    let count = query(
        "document_count",
        "SELECT CAST((SELECT COALESCE(SUM(documents), 0) FROM store_totals)
             + (SELECT COUNT(*) FROM documents
                WHERE serial > (SELECT up_to FROM totals_progress WHERE counted = 'documents'))
             - (SELECT COUNT(*) FROM documents WHERE state <> 'delivered') AS BIGINT) AS documents",
    );
    tx.fetch_one(count).await?.int_as("documents")
}

/// Adds rows to the totals. Returns whether there are more.
pub(crate) async fn advance(tx: &mut Transaction<'_>, now: Timestamp) -> Result<bool, Error> {
    let mut more = false;
    for of in &COUNTED {
        let sql = "SELECT up_to, next, at_ms FROM totals_progress WHERE counted = $1";
        let progress = query("totals_advance", tx.locking(sql, Lock::Wait)).bind(of.name);
        let progress = tx.fetch_one(progress).await?;
        let (up_to, next) = (progress.int("up_to")?, progress.int("next")?);
        let age = now.duration_since(progress.timestamp("at_ms")?);
        if age < UNCOMMITTED_FOR.try_into().unwrap_or_default() {
            continue;
        }
        let to = next.min(up_to + AT_ONCE);
        add(tx, of, up_to, to).await?;
        if to < next {
            more = true;
            set_progress(tx, of, to, next, progress.timestamp("at_ms")?).await?;
        } else {
            let last = last(tx, of).await?;
            set_progress(tx, of, to, last, now).await?;
        }
    }
    Ok(more)
}

async fn add(tx: &mut Transaction<'_>, of: &Counted, after: i64, to: i64) -> Result<(), Error> {
    let Counted {
        name: _,
        table,
        number,
        counts,
        condition,
    } = of;
    let sql = format!(
        "INSERT INTO store_totals (store_id, events, documents, cpu_us)
         SELECT store_id, {counts} FROM {table} WHERE {number} > $1 AND {number} <= $2 AND {condition}
         GROUP BY store_id
         ON CONFLICT (store_id) DO UPDATE SET events = store_totals.events + excluded.events,
             documents = store_totals.documents + excluded.documents,
             cpu_us = store_totals.cpu_us + excluded.cpu_us"
    );
    let add = query("totals_advance", sql);
    tx.execute_later(add.bind(after).bind(to)).await
}

async fn last(tx: &mut Transaction<'_>, of: &Counted) -> Result<i64, Error> {
    let Counted { table, number, .. } = of;
    let sql = format!("SELECT COALESCE(MAX({number}), 0) AS last FROM {table}");
    let last = query("totals_advance", sql);
    tx.fetch_one(last).await?.int("last")
}

async fn set_progress(
    tx: &mut Transaction<'_>,
    of: &Counted,
    up_to: i64,
    next: i64,
    at: Timestamp,
) -> Result<(), Error> {
    let set = query(
        "totals_advance",
        "UPDATE totals_progress SET up_to = $1, next = $2, at_ms = $3 WHERE counted = $4",
    );
    let set = set.bind(up_to).bind(next).bind_timestamp(at).bind(of.name);
    tx.execute_later(set).await
}
