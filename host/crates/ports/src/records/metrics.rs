//! Counts for metrics.

use super::RunState;
use crate::Error;
use async_trait::async_trait;
use galleria_domain::Position;
use jiff::Timestamp;

/// Counts of a store's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreMetrics {
    /// The store's id.
    pub store_id: String,
    /// Events of the store in the log, without publications of plugins.
    pub events: u64,
    /// Delivered documents.
    pub documents: u64,
    /// CPU time of all attempts in the journal.
    pub cpu_us: u64,
}

/// Parked events or dead letters of a group and a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The consumer group.
    pub group: String,
    /// The store's retailer. `None` if the store is unknown.
    pub retailer: Option<String>,
    /// The number of rows.
    pub count: u64,
    /// When the oldest of them was parked or became a dead letter.
    pub oldest: Timestamp,
}

/// Queries for metrics.
#[async_trait]
pub trait MetricQueries {
    /// The number of events of these topics after a position, at most `most`.
    async fn event_lag(
        &mut self,
        topics: &[String],
        after: Position,
        most: u32,
    ) -> Result<u64, Error>;
    /// Runs in a state.
    async fn run_count(&mut self, state: RunState) -> Result<u64, Error>;
    /// Parked events without held ones, by group and store.
    async fn parked_backlog(&mut self) -> Result<Vec<Backlog>, Error>;
    /// Dead letters, by group and store.
    async fn dead_letter_backlog(&mut self) -> Result<Vec<Backlog>, Error>;
    /// The creation time of the oldest undelivered document.
    async fn document_oldest_undelivered(&mut self) -> Result<Option<Timestamp>, Error>;
    /// Retailers with stores, by name.
    async fn retailer_list(&mut self) -> Result<Vec<String>, Error>;
    /// Counts of all stores with events, by store id. Does not count publications, whose event ids
    /// contain `/`.
    async fn store_metrics(&mut self) -> Result<Vec<StoreMetrics>, Error>;
    /// Adds rows that were written some minutes ago to the totals from which counts start. Returns whether there are
    /// more. Call it every minute: otherwise counts become slow.
    async fn totals_advance(&mut self, now: Timestamp) -> Result<bool, Error>;
}
