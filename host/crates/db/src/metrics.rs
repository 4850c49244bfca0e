//! Counts for metrics.

use crate::query::{Row, query};
use crate::timeline::next_retailer;
use crate::totals;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::Position;
use galleria_ports::Error;
use galleria_ports::records::{Backlog, MetricQueries, RunState, StoreMetrics};
use jiff::Timestamp;

#[async_trait]
impl MetricQueries for Transaction<'_> {
    async fn event_lag(
        &mut self,
        topics: &[String],
        after: Position,
        most: u32,
    ) -> Result<u64, Error> {
        let mut behind = 0;
        for topic in topics {
            let count = query(
                "event_lag",
                "SELECT COUNT(*) AS behind FROM (SELECT position FROM outbox
                     WHERE topic = $1 AND position > $2 LIMIT $3) few",
            )
            .bind(&**topic)
            .bind(after)
            .bind(i64::from(most));
            behind += self.fetch_one(count).await?.int_as::<u64>("behind")?;
        }
        Ok(behind.min(u64::from(most)))
    }

    async fn run_count(&mut self, state: RunState) -> Result<u64, Error> {
        let count = query(
            "run_count",
            "SELECT COUNT(*) AS runs FROM runs WHERE state = $1",
        )
        .bind_enum(state);
        self.fetch_one(count).await?.int_as("runs")
    }

    async fn parked_backlog(&mut self) -> Result<Vec<Backlog>, Error> {
        let backlog = query(
            "parked_backlog",
            "SELECT e.consumer_group, s.retailer, e.many, e.oldest_ms
             FROM (SELECT consumer_group, store_id, COUNT(*) AS many, MIN(since_ms) AS oldest_ms
                   FROM parked WHERE state <> 'held' GROUP BY consumer_group, store_id) e
             LEFT JOIN stores s ON s.id = e.store_id",
        );
        self.fetch_all_as(backlog, backlog_row).await
    }

    async fn dead_letter_backlog(&mut self) -> Result<Vec<Backlog>, Error> {
        let backlog = query(
            "dead_letter_backlog",
            "SELECT e.consumer_group, s.retailer, e.many, e.oldest_ms
             FROM (SELECT consumer_group, store_id, COUNT(*) AS many, MIN(died_ms) AS oldest_ms
                   FROM dead_letters GROUP BY consumer_group, store_id) e
             LEFT JOIN stores s ON s.id = e.store_id",
        );
        self.fetch_all_as(backlog, backlog_row).await
    }

    async fn document_oldest_undelivered(&mut self) -> Result<Option<Timestamp>, Error> {
        let oldest = query(
            "document_oldest_undelivered",
            "SELECT MIN(created_ms) AS oldest_ms FROM documents WHERE state <> 'delivered'",
        );
        self.fetch_one(oldest).await?.opt_timestamp("oldest_ms")
    }

    async fn retailer_list(&mut self) -> Result<Vec<String>, Error> {
        let mut all = Vec::<String>::new();
        let last = |all: &[String]| all.last().cloned().unwrap_or_default();
        while let Some(next) = next_retailer(self, &last(&all)).await? {
            all.push(next);
        }
        Ok(all)
    }

    async fn store_metrics(&mut self) -> Result<Vec<StoreMetrics>, Error> {
        totals::list(self).await
    }

    async fn totals_advance(&mut self, now: Timestamp) -> Result<bool, Error> {
        totals::advance(self, now).await
    }
}

fn backlog_row(row: &Row) -> Result<Backlog, Error> {
    Ok(Backlog {
        group: row.text("consumer_group")?,
        retailer: row.opt_text("retailer")?,
        count: row.int_as("many")?,
        oldest: row.timestamp("oldest_ms")?,
    })
}
