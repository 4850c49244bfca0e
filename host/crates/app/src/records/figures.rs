//! Counts for dashboards.

use super::RunState;
use crate::Error;
use async_trait::async_trait;
use galleria_domain::Position;

/// What is counted for dashboards alone.
#[async_trait]
pub trait Figures {
    /// Events of these topics after a position; counting stops at `most`.
    async fn events_behind(
        &mut self,
        topics: &[String],
        after: Position,
        most: u32,
    ) -> Result<u64, Error>;
    /// Runs in a state.
    async fn run_count(&mut self, state: RunState) -> Result<u64, Error>;
}
