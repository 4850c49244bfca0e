//! Which host reads a group now: a lease in the database, one a group.
//!
//! Lanes are kept in memory, so two hosts that read one group would both work at it. Were one of them
//! to go on for a moment after its lease has ended, unknowing, nothing would be done twice for it: an
//! effect is claimed by whoever is first, and neither goes on in a lane before that is there.

use crate::events::Events;
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::in_tx;
use std::time::Duration;

/// What the lease of a group is called.
fn lease_name(group: &str) -> String {
    format!("group/{group}")
}

impl Events {
    /// Takes these groups for `owner`, or keeps them, until `lease` has passed; answers those that are
    /// its own now. The others are another host's.
    pub async fn take_groups(
        &self,
        owner: &str,
        groups: &[String],
        lease: Duration,
    ) -> Result<Vec<String>, Error> {
        let (owner, mut groups) = (owner.to_owned(), groups.to_vec());
        // Every host takes them in one order, so that none waits for another in a circle.
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

    /// Gives groups back, so that another host need not wait.
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
