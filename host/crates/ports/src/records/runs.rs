//! Runs of stream points.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::plugin::Point;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Waits for its due time or for a free host.
    Due,
    /// A host has leased it.
    Running,
    /// Succeeded. Its files are documents.
    Ended,
    /// Failed, and is retried.
    Failed,
    /// Not retried until an operator replays it.
    Dead,
    /// An operator cancelled it.
    Cancelled,
}

impl RunState {
    /// All variants.
    pub const ALL: &'static [Self] = &[
        Self::Due,
        Self::Running,
        Self::Ended,
        Self::Failed,
        Self::Dead,
        Self::Cancelled,
    ];

    /// The name in rows and responses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A file that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunFile {
    /// The name of the directory.
    pub directory: String,
    /// The folder in the retailer's folder: the store's id; null if the file is in the retailer's folder itself.
    #[serde(default)]
    pub folder: Option<String>,
    /// The file name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 digest of the content.
    pub digest: String,
}

/// A run of a stream point.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The serial number, assigned on insertion. Orders lists.
    pub serial: i64,
    /// Derived from point, slot, scope and window, so that the same window is the same run.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The plugin slot.
    pub subscriber: String,
    /// The extension point.
    pub point: Point,
    /// The store's id; empty for all stores.
    pub store_id: String,
    /// The first business date of the window.
    pub first: String,
    /// The last business date of the window, inclusive.
    pub last: String,
    /// The schedule; empty if an operator requested the run.
    pub schedule: String,
    /// Its state.
    pub state: RunState,
    /// Attempts started.
    pub attempts: u32,
    /// Attempts before the run is dead.
    pub tries: u32,
    /// When the run may start.
    pub due_at: Timestamp,
    /// Rows recorded later are not included. The first attempt sets it and later attempts use it,
    /// so that they write the same bytes.
    pub as_of: Option<Timestamp>,
    /// `as_of` of the previous ended run, read by the first attempt.
    pub since: Option<Timestamp>,
    /// The number of stores in scope at the first attempt.
    pub stores: u32,
    /// Rows read so far, updated once a second.
    pub progress: u64,
    /// Rows counted by the plugin.
    pub rows: u64,
    /// Sums counted by the plugin.
    pub sums: Vec<galleria_domain::Attribute>,
    /// The files it wrote.
    pub files: Vec<RunFile>,
    /// The error code of the last attempt.
    pub code: Option<String>,
    /// A readable explanation of the code.
    pub detail: Option<String>,
    /// Time of the request.
    pub created_at: Timestamp,
    /// When the last attempt began.
    pub begun_at: Option<Timestamp>,
    /// When it was over, in any state.
    pub ended_at: Option<Timestamp>,
}

/// The lease of one attempt at a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLease {
    /// The run.
    pub id: String,
    /// The host that runs it.
    pub owner: String,
    /// The number of the attempt: the same owner may lease the same run again.
    pub attempt: u32,
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// `Ended`, `Failed`, `Dead`, `Cancelled`, or `Due` after an interruption.
    pub state: RunState,
    /// The number of attempts from now on.
    pub attempts: u32,
    /// When it may be tried again.
    pub due_at: Timestamp,
    /// Rows read.
    pub progress: u64,
    /// Rows counted by the plugin.
    pub rows: u64,
    /// Sums counted by the plugin.
    pub sums: Vec<galleria_domain::Attribute>,
    /// The files it wrote.
    pub files: Vec<RunFile>,
    /// The error code, if it failed.
    pub code: Option<String>,
    /// A readable explanation of the code.
    pub detail: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// Filter of runs. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only runs of this retailer.
    pub retailer: Option<String>,
    /// Only runs of this slot.
    pub subscriber: Option<String>,
    /// Only runs in this state.
    pub state: Option<RunState>,
    /// Only runs whose window begins on this business date or later.
    pub from: Option<String>,
}

/// Records of runs.
#[async_trait]
pub trait Runs {
    /// Adds a run. Returns false if the id exists.
    async fn run_insert(&mut self, run: &RunRow) -> Result<bool, Error>;
    /// A run by id.
    async fn run_get(&mut self, id: &str) -> Result<Option<RunRow>, Error>;
    /// Runs before the serial number `before`, newest first.
    async fn run_list(
        &mut self,
        filter: &RunFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<RunRow>, Error>;
    /// When the next run becomes due or its lease expires.
    async fn run_next_time(&mut self) -> Result<Option<Timestamp>, Error>;
    /// The retailers with a run that can be leased.
    async fn run_waiting_retailers(&mut self, now: Timestamp) -> Result<Vec<String>, Error>;
    /// Leases the run of a retailer that has waited longest: a due or failed run whose time has come, or
    /// a run whose lease expired. Increments its attempts.
    async fn run_lease(
        &mut self,
        retailer: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RunRow>, Error>;
    /// Leases a run in any state, unless it ended or another owner has it.
    async fn run_lease_by_id(
        &mut self,
        id: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RunRow>, Error>;
    /// Stores the parameters of the first attempt for all later ones.
    async fn run_begin(
        &mut self,
        id: &str,
        as_of: Timestamp,
        since: Option<Timestamp>,
        stores: u32,
    ) -> Result<(), Error>;
    /// Extends a lease. Returns `None` if it was lost, and `Some(true)` if the run must stop.
    async fn run_renew(
        &mut self,
        lease: &RunLease,
        until: Timestamp,
        progress: u64,
    ) -> Result<Option<bool>, Error>;
    /// Ends an attempt. Returns false if its lease was lost; then its results must be discarded.
    async fn run_finish(&mut self, lease: &RunLease, end: &RunEnd) -> Result<bool, Error>;
    /// Makes a run due again, with all its attempts. Returns false if it ended, is running, or is
    /// already due.
    async fn run_replay(&mut self, id: &str, now: Timestamp) -> Result<bool, Error>;
    /// Cancels a run, or requests a running one to stop. Returns false if it is over.
    async fn run_cancel(&mut self, id: &str, now: Timestamp) -> Result<bool, Error>;
    /// Deletes a leased run.
    async fn run_remove(&mut self, lease: &RunLease) -> Result<bool, Error>;
    /// `as_of` of the last ended run of this slot, point and scope.
    async fn run_last_ended(
        &mut self,
        retailer: &str,
        subscriber: &str,
        point: Point,
        store_id: &str,
    ) -> Result<Option<Timestamp>, Error>;
}
