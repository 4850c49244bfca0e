//! Named leases.

use crate::query::query;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::Leases;
use jiff::Timestamp;

#[async_trait]
impl Leases for Transaction<'_> {
    async fn lease_take(
        &mut self,
        name: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let take = query(
            "lease_take",
            "INSERT INTO leases (name, owner, until_ms) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
             WHERE leases.owner = excluded.owner OR leases.until_ms <= $4",
        )
        .bind(name)
        .bind(owner)
        .bind_timestamp(until)
        .bind_timestamp(now);
        Ok(self.execute(take).await? > 0)
    }

    async fn lease_renew(
        &mut self,
        name: &str,
        owner: &str,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let keep = query(
            "lease_renew",
            "UPDATE leases SET until_ms = $1 WHERE name = $2 AND owner = $3",
        )
        .bind_timestamp(until)
        .bind(name)
        .bind(owner);
        Ok(self.execute(keep).await? > 0)
    }

    async fn lease_release(&mut self, name: &str, owner: &str) -> Result<(), Error> {
        let release = query(
            "lease_release",
            "DELETE FROM leases WHERE name = $1 AND owner = $2",
        );
        self.execute_later(release.bind(name).bind(owner)).await
    }
}
