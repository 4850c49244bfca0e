//! Counts for dashboards.

use crate::statement::statement;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{Figures, RunState};
use galleria_domain::Position;

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
}
