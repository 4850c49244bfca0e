//! Counts for dashboards.

use crate::statement::{Found, statement};
use crate::stories::next_retailer;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{Figures, Piled, RunState};
use galleria_domain::Position;
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
            let count = statement(
                "events_behind",
                "SELECT COUNT(*) AS behind FROM (SELECT position FROM outbox
                     WHERE topic = $1 AND position > $2 LIMIT $3) few",
            )
            .bind(&**topic)
            .bind(after)
            .bind(i64::from(most));
            behind += self.only(count).await?.narrow::<u64>("behind")?;
        }
        Ok(behind.min(u64::from(most)))
    }

    async fn run_count(&mut self, state: RunState) -> Result<u64, Error> {
        let count = statement(
            "run_count",
            "SELECT COUNT(*) AS runs FROM runs WHERE state = $1",
        )
        .word(state);
        self.only(count).await?.narrow("runs")
    }

    async fn parked_piled(&mut self) -> Result<Vec<Piled>, Error> {
        let piled = statement(
            "parked_piled",
            "SELECT e.consumer_group, s.retailer, e.many, e.oldest_ms
             FROM (SELECT consumer_group, store_id, COUNT(*) AS many, MIN(since_ms) AS oldest_ms
                   FROM parked WHERE state <> 'held' GROUP BY consumer_group, store_id) e
             LEFT JOIN stores s ON s.id = e.store_id",
        );
        self.all(piled).await?.iter().map(row).collect()
    }

    async fn dead_piled(&mut self) -> Result<Vec<Piled>, Error> {
        let piled = statement(
            "dead_piled",
            "SELECT e.consumer_group, s.retailer, e.many, e.oldest_ms
             FROM (SELECT consumer_group, store_id, COUNT(*) AS many, MIN(died_ms) AS oldest_ms
                   FROM dead_letters GROUP BY consumer_group, store_id) e
             LEFT JOIN stores s ON s.id = e.store_id",
        );
        self.all(piled).await?.iter().map(row).collect()
    }

    async fn document_oldest(&mut self) -> Result<Option<Timestamp>, Error> {
        let oldest = statement(
            "document_oldest",
            "SELECT MIN(created_ms) AS oldest_ms FROM documents WHERE state <> 'delivered'",
        );
        self.only(oldest).await?.maybe_at("oldest_ms")
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

fn row(found: &Found) -> Result<Piled, Error> {
    Ok(Piled {
        group: found.text("consumer_group")?,
        retailer: found.maybe("retailer")?,
        count: found.narrow("many")?,
        oldest: found.at("oldest_ms")?,
    })
}
