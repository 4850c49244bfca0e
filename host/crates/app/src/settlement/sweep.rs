//! Removes what a crash left of statements.

use super::intake::id_of;
use super::lease::Lease;
use crate::settlement::Settlement;
use galleria_ports::Error;
use galleria_ports::in_tx;

impl Settlement {
    /// Removes what a crash left: invisible lines, and originals without a statement. Called at the start; an
    /// import in progress on another replica is not affected.
    pub async fn sweep(&self) -> Result<(), Error> {
        for retailer in self.core.plugins.retailers() {
            let lease = Lease::of(self, &retailer, uuid::Uuid::new_v4().to_string());
            if lease.take().await? {
                let swept = self.sweep_retailer(&lease, &retailer).await;
                lease.release().await;
                swept?;
            }
        }
        Ok(())
    }

    async fn sweep_retailer(&self, lease: &Lease<'_>, retailer: &str) -> Result<(), Error> {
        lease.clear(retailer).await?;
        for digest in self.vault()?.digests(retailer)? {
            self.delete_orphan(lease, retailer, &digest).await?;
        }
        Ok(())
    }

    /// Deletes an original that has no statement and was not rejected.
    pub(super) async fn delete_orphan(
        &self,
        lease: &Lease<'_>,
        retailer: &str,
        digest: &str,
    ) -> Result<(), Error> {
        let id = id_of(retailer, digest);
        let known = self.core.records.read(in_tx!(|tx, id| {
            let imported = tx.statement_get(&id).await?.is_some();
            Ok(imported || tx.rejected_statement_get(&id).await?.is_some())
        }));
        if !known.await? {
            // Check the lease again: if it has expired, the file may belong to an import in progress.
            lease.write(|_| Box::pin(async { Ok(()) })).await?;
            self.vault()?.delete(retailer, digest)?;
        }
        Ok(())
    }
}
