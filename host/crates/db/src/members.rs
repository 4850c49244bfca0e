//! Attempts to identify a member: how much of an allowance was used.

use crate::statement::statement;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::Members;
use jiff::Timestamp;

#[async_trait]
impl Members for Transaction<'_> {
    async fn allowance_lock(&mut self, id: &str, now: Timestamp) -> Result<Timestamp, Error> {
        // It changes nothing of a row that is there: that locks it, also where it was just made by
        // another transaction, which a SELECT could not see.
        let lock = statement(
            "allowance_lock",
            "INSERT INTO allowances (id, whole_ms) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET whole_ms = allowances.whole_ms
             RETURNING whole_ms",
        )
        .bind(id)
        .at(now);
        self.only(lock).await?.at("whole_ms")
    }

    async fn allowance_set(&mut self, id: &str, whole_at: Timestamp) -> Result<(), Error> {
        let set = statement(
            "allowance_set",
            "UPDATE allowances SET whole_ms = $2 WHERE id = $1",
        )
        .bind(id)
        .at(whole_at);
        self.execute(set).await.map(drop)
    }
}
