//! How often may be tried, over all replicas and restarts.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// Records of attempts.
#[async_trait]
pub trait Members {
    /// When an allowance is whole again, as far as it was used; `now` where it never was. Nobody else
    /// reads or uses it until the transaction ends.
    async fn allowance_lock(&mut self, id: &str, now: Timestamp) -> Result<Timestamp, Error>;
    /// Writes down when an allowance is whole again.
    async fn allowance_set(&mut self, id: &str, whole_at: Timestamp) -> Result<(), Error>;
}
