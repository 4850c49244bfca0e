//! Allowances: how often a member may be identified.

use crate::query::query;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::Members;
use jiff::Timestamp;

#[async_trait]
impl Members for Transaction<'_> {
    async fn allowance_lock(&mut self, id: &str, now: Timestamp) -> Result<Timestamp, Error> {
        // An update without effect locks the row, even one that another transaction has just
        // inserted and a SELECT would not see.
        let lock = query(
            "allowance_lock",
            "INSERT INTO allowances (id, whole_ms) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET whole_ms = allowances.whole_ms
             RETURNING whole_ms",
        )
        .bind(id)
        .bind_timestamp(now);
        self.fetch_one(lock).await?.timestamp("whole_ms")
    }

    async fn allowance_set(&mut self, id: &str, whole_at: Timestamp) -> Result<(), Error> {
        let set = query(
            "allowance_set",
            "UPDATE allowances SET whole_ms = $2 WHERE id = $1",
        )
        .bind(id)
        .bind_timestamp(whole_at);
        self.execute_later(set).await
    }
}
