//! The lease that allows one import of a retailer's statements at a time among all replicas. Every write renews
//! it.

use super::matching::PIECE;
use crate::settlement::Settlement;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{InTx, StatementState, Tx};
use std::sync::Arc;
use std::time::Duration;

/// The lease without a renewal. Each batch renews it and takes a few milliseconds plus waits.
const LEASE: Duration = Duration::from_secs(15);

/// How long to wait for another import of the retailer.
const PATIENCE: Duration = Duration::from_secs(600);

/// The right to write a retailer's statements.
pub(super) struct Lease<'a> {
    service: &'a Settlement,
    name: String,
    owner: String,
}

impl<'a> Lease<'a> {
    pub(super) fn of(service: &'a Settlement, retailer: &str, owner: String) -> Self {
        Self {
            service,
            name: format!("statements/{retailer}"),
            owner,
        }
    }

    /// Waits until the lease is free, or until `go_on` returns an error.
    pub(super) async fn wait(&self, go_on: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let begun = std::time::Instant::now();
        let mut pause = Duration::from_millis(5);
        while !self.take().await? {
            go_on()?;
            if begun.elapsed() > PATIENCE {
                return Err(Error::Conflict {
                    code: "statement_busy",
                    message: "another statement of the retailer is being imported; try again later"
                        .into(),
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(250));
        }
        Ok(())
    }

    pub(super) async fn take(&self) -> Result<bool, Error> {
        self.service.lease(&self.name, &self.owner, LEASE).await
    }

    pub(super) async fn release(&self) {
        let (name, owner) = (self.name.clone(), self.owner.clone());
        let released = self.service.core.records.write(in_tx!(|tx, name, owner| tx
            .lease_release(&name, &owner)
            .await));
        if let Err(error) = released.await {
            tracing::warn!(error = error.chain(), "lease not released; it will expire");
        }
    }

    /// Renews the lease and does the work in the same transaction; fails if another owner has taken the lease.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        self.service.core.records.write(self.guard(work)).await
    }

    /// Work that first renews the lease, for a transaction of its own.
    pub(super) fn guard<T, F>(
        &self,
        work: F,
    ) -> impl for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        let (name, owner, now) = (
            self.name.clone(),
            self.owner.clone(),
            self.service.core.clock.now(),
        );
        let work = Arc::new(work);
        in_tx!(|tx, name, owner, work| {
            if !tx.lease_renew(&name, &owner, now + LEASE).await? {
                return Err(Error::Internal(format!("the lease {name} was lost")));
            }
            work(tx).await
        })
    }

    /// Removes what a dead import left. Requires the lease, so that no other import is in progress.
    pub(super) async fn clear(&self, retailer: &str) -> Result<(), Error> {
        let unfinished = self
            .service
            .core
            .records
            .read(in_tx!(|tx| tx.statement_list_unfinished().await));
        let dead = unfinished
            .await?
            .into_iter()
            .filter(|row| row.state == StatementState::Importing && row.retailer == retailer);
        for row in dead {
            loop {
                let id = row.id.clone();
                let left = self.write(in_tx!(|tx, id| {
                    let removed = tx.statement_line_remove(&id, PIECE as u32).await?;
                    if removed == 0 {
                        tx.statement_remove(&id).await?;
                    }
                    Ok(removed)
                }));
                if left.await? == 0 {
                    break;
                }
            }
        }
        Ok(())
    }
}
