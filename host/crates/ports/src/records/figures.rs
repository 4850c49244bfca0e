//! Counts for dashboards.

use super::RunState;
use crate::Error;
use async_trait::async_trait;
use galleria_domain::Position;
use jiff::Timestamp;

/// Parked events or dead letters of a group and a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piled {
    /// The consumer group.
    pub group: String,
    /// The store's retailer; none where the store is not known.
    pub retailer: Option<String>,
    /// How many.
    pub count: u64,
    /// When the oldest of them had to wait first, or was given up.
    pub oldest: Timestamp,
}

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
    /// Parked events, those held not among them.
    async fn parked_piled(&mut self) -> Result<Vec<Piled>, Error>;
    /// Dead letters.
    async fn dead_piled(&mut self) -> Result<Vec<Piled>, Error>;
    /// When the oldest document that is not delivered was decided.
    async fn document_oldest(&mut self) -> Result<Option<Timestamp>, Error>;
    /// Retailers that have stores.
    async fn retailers(&mut self) -> Result<Vec<String>, Error>;
}
