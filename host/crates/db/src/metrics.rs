//! Counts for metrics.

use crate::query::{Row, query};
use crate::timeline::next_retailer;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::Position;
use galleria_ports::Error;
use galleria_ports::records::{Figures, Piled, RunState};
use jiff::Timestamp;

#[async_trait]
impl Figures for Transaction<'_> {
    async fn events_behind(
        &mut self,
        topics: &[String],
        after: Position,
        most: u32,
    ) -> Result<u64, Error> {
        let mut behind = 0;
        for topic in topics {
            let count = query(
                "events_behind",
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

    async fn parked_piled(&mut self) -> Result<Vec<Piled>, Error> {
        let backlog = query(
            "parked_piled",
            "SELECT e.consumer_group, s.retailer, e.many, e.oldest_ms
             FROM (SELECT consumer_group, store_id, COUNT(*) AS many, MIN(since_ms) AS oldest_ms
                   FROM parked WHERE state <> 'held' GROUP BY consumer_group, store_id) e
             LEFT JOIN stores s ON s.id = e.store_id",
        );
        self.fetch_all_as(backlog, backlog_row).await
    }

    async fn dead_piled(&mut self) -> Result<Vec<Piled>, Error> {
        let backlog = query(
            "dead_piled",
            "SELECT e.consumer_group, s.retailer, e.many, e.oldest_ms
             FROM (SELECT consumer_group, store_id, COUNT(*) AS many, MIN(died_ms) AS oldest_ms
                   FROM dead_letters GROUP BY consumer_group, store_id) e
             LEFT JOIN stores s ON s.id = e.store_id",
        );
        self.fetch_all_as(backlog, backlog_row).await
    }

    async fn document_oldest(&mut self) -> Result<Option<Timestamp>, Error> {
        let oldest = query(
            "document_oldest",
            "SELECT MIN(created_ms) AS oldest_ms FROM documents WHERE state <> 'delivered'",
        );
        self.fetch_one(oldest).await?.opt_timestamp("oldest_ms")
    }

    async fn retailers(&mut self) -> Result<Vec<String>, Error> {
        let mut all = Vec::<String>::new();
        let last = |all: &[String]| all.last().cloned().unwrap_or_default();
        while let Some(next) = next_retailer(self, &last(&all)).await? {
            all.push(next);
        }
        Ok(all)
    }
}

fn backlog_row(row: &Row) -> Result<Piled, Error> {
    Ok(Piled {
        group: row.text("consumer_group")?,
        retailer: row.opt_text("retailer")?,
        count: row.int_as("many")?,
        oldest: row.timestamp("oldest_ms")?,
    })
}
