//! Leases of consumer groups: at most one host reads a group at a time.
//!
//! Lanes are in memory, so two hosts that read one group would both work on it. A host that
//! continues briefly after its lease ended does no harm: the first host to claim an effect applies
//! it, and neither continues in a lane before the effect exists.

use crate::events::Events;
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::in_tx;
use std::time::Duration;

/// The name of the lease of a group.
fn lease_name(group: &str) -> String {
    format!("group/{group}")
}

impl Events {
    /// Takes or renews the leases of these groups for `owner`, each for `lease`. Returns the groups
    /// that `owner` has now; other hosts have the rest.
    pub async fn take_groups(
        &self,
        owner: &str,
        groups: &[String],
        lease: Duration,
    ) -> Result<Vec<String>, Error> {
        let (owner, mut groups) = (owner.to_owned(), groups.to_vec());
        // All hosts take groups in the same order, to prevent deadlocks.
        groups.sort_unstable();
        let now = self.core.clock.now();
        let until = later(now, lease);
        self.core
            .records
            .write(in_tx!(|tx, owner, groups| {
                let mut held = Vec::new();
                for group in groups {
                    if tx
                        .lease_take(&lease_name(&group), &owner, now, until)
                        .await?
                    {
                        held.push(group);
                    }
                }
                Ok(held)
            }))
            .await
    }

    /// Releases groups, so that another host does not wait for the lease to end.
    pub async fn release_groups(&self, owner: &str, groups: &[String]) -> Result<(), Error> {
        let (owner, groups) = (owner.to_owned(), groups.to_vec());
        self.core
            .records
            .write(in_tx!(|tx, owner, groups| {
                for group in groups {
                    tx.lease_release(&lease_name(&group), &owner).await?;
                }
                Ok(())
            }))
            .await
    }
}
