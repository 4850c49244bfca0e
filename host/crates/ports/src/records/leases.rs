//! Named leases, by which hosts exclude each other from a task.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// Records of leases.
#[async_trait]
pub trait Leases {
    /// Takes or extends a lease. Returns true if `owner` has it until `until`.
    async fn lease_take(
        &mut self,
        name: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error>;
    /// Extends a lease. Returns false if another owner took it since, even if that owner released
    /// it.
    async fn lease_renew(
        &mut self,
        name: &str,
        owner: &str,
        until: Timestamp,
    ) -> Result<bool, Error>;
    /// Releases a lease.
    async fn lease_release(&mut self, name: &str, owner: &str) -> Result<(), Error>;
}
