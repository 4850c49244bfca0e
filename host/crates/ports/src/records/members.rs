//! Allowances: rate limits that all replicas share and that survive restarts.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// Records of allowances.
#[async_trait]
pub trait Members {
    /// Locks an allowance until the transaction ends and returns when it is fully restored: `now`
    /// if it was never used.
    async fn allowance_lock(&mut self, id: &str, now: Timestamp) -> Result<Timestamp, Error>;
    /// Sets when an allowance is fully restored.
    async fn allowance_set(&mut self, id: &str, whole_at: Timestamp) -> Result<(), Error>;
}
