//! Requests to load a retailer again, the running processes, and how each of them loaded its retailers.

use crate::Error;
use crate::plugins::RetailerLoad;
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// The latest request to load a retailer again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadRow {
    /// The retailer.
    pub retailer: String,
    /// The number of requests so far.
    pub generation: i64,
    /// Time of the request, by the clock of the process that accepted it.
    pub requested_at: Timestamp,
    /// Time of the request, by the database's clock.
    pub recorded_at: Timestamp,
}

/// A running process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRow {
    /// Its name.
    pub name: String,
    /// When it began to read the files of its retailers, by the database's clock.
    pub started_at: Timestamp,
}

/// How a process loaded a retailer the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRow {
    /// The name of the process.
    pub host: String,
    /// The retailer, its state and its errors.
    pub load: RetailerLoad,
    /// The generation of the request that it followed; 0 if there was none.
    pub generation: i64,
    /// When it was loaded.
    pub at: Timestamp,
}

/// Records of reloads and of processes. The times of processes are by the database's clock, because the clock of a
/// process may be wrong.
#[async_trait]
pub trait Reloads {
    /// Adds a request. Returns its generation.
    async fn reload_request(&mut self, retailer: &str, now: Timestamp) -> Result<i64, Error>;
    /// The latest request for each retailer, by name.
    async fn reload_list(&mut self) -> Result<Vec<ReloadRow>, Error>;
    /// The latest request for a retailer.
    async fn reload_get(&mut self, retailer: &str) -> Result<Option<ReloadRow>, Error>;
    /// Records that a process runs, for `runs_for` so far. Returns the time at which it started.
    async fn host_seen(&mut self, name: &str, runs_for: Duration) -> Result<Timestamp, Error>;
    /// The processes that were seen recently, by name.
    async fn host_list(&mut self, seen_within: Duration) -> Result<Vec<HostRow>, Error>;
    /// Removes a process and its loads.
    async fn host_remove(&mut self, name: &str) -> Result<(), Error>;
    /// Removes the processes that were not seen for a time, and their loads.
    async fn host_remove_unseen(&mut self, unseen_for: Duration) -> Result<(), Error>;
    /// Writes or replaces how a process loaded a retailer.
    async fn load_put(&mut self, row: &LoadRow) -> Result<(), Error>;
    /// How the processes loaded their retailers, or one retailer; by retailer and process.
    async fn load_list(&mut self, retailer: Option<&str>) -> Result<Vec<LoadRow>, Error>;
}
