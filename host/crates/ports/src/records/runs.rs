//! Runs of stream points: what is due, under way, done or dead, and up to when schedules were planned.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::plugin::Point;
use jiff::{Timestamp, civil::DateTime};
use serde::{Deserialize, Serialize};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Waits for its time, or for somebody to run it.
    Due,
    /// Somebody has leased it.
    Running,
    /// It ended well; its files are documents.
    Ended,
    /// It did not end well and is tried again.
    Failed,
    /// It is not tried again until an operator replays it.
    Dead,
    /// An operator did not want it.
    Cancelled,
}

impl RunState {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Due,
        Self::Running,
        Self::Ended,
        Self::Failed,
        Self::Dead,
        Self::Cancelled,
    ];

    /// The word in rows and answers.
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
    /// The directory's name.
    pub directory: String,
    /// The file's name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the content.
    pub digest: String,
}

/// A run of a stream point.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its place in lists, given when it is added.
    pub serial: i64,
    /// Derived from point, slot, scope and window: the same window is the same run.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The slot.
    pub subscriber: String,
    /// The extension point.
    pub point: Point,
    /// The store's id; empty for all stores.
    pub store_id: String,
    /// First business date.
    pub first: String,
    /// Last business date, included.
    pub last: String,
    /// The schedule that wanted it; empty where it was asked for by hand.
    pub schedule: String,
    /// How far it has come.
    pub state: RunState,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts before it is dead.
    pub tries: u32,
    /// When it may begin.
    pub due_at: Timestamp,
    /// What was recorded later is not in it. Set by the first attempt and kept by all others, so
    /// that they write the same bytes.
    pub as_of: Option<Timestamp>,
    /// `as_of` of the run before it that ended well, as the first attempt found it.
    pub since: Option<Timestamp>,
    /// Stores in scope, as the first attempt found them.
    pub stores: u32,
    /// Rows read so far; written down once a second.
    pub progress: u64,
    /// Rows counted by the plugin.
    pub rows: u64,
    /// Sums counted by the plugin.
    pub sums: Vec<galleria_domain::Attribute>,
    /// What it wrote.
    pub files: Vec<RunFile>,
    /// Why the last attempt did not end well, in one word.
    pub code: Option<String>,
    /// The same in words.
    pub detail: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When the last attempt began.
    pub begun_at: Option<Timestamp>,
    /// When it was done, either way.
    pub ended_at: Option<Timestamp>,
}

/// Which attempt at a run is meant, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLease {
    /// The run.
    pub id: String,
    /// Who runs it.
    pub owner: String,
    /// Which attempt: the same owner may come to the same run twice.
    pub attempt: u32,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// `Ended`, `Failed`, `Dead`, `Cancelled`, or `Due` where it was only interrupted.
    pub state: RunState,
    /// Attempts that count from now on.
    pub attempts: u32,
    /// When it may be tried again.
    pub due_at: Timestamp,
    /// Rows read.
    pub progress: u64,
    /// Rows counted by the plugin.
    pub rows: u64,
    /// Sums counted by the plugin.
    pub sums: Vec<galleria_domain::Attribute>,
    /// What it wrote.
    pub files: Vec<RunFile>,
    /// Why it did not end well, in one word.
    pub code: Option<String>,
    /// The same in words.
    pub detail: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Which runs are listed; what is none does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of a retailer.
    pub retailer: Option<String>,
    /// Of a slot.
    pub subscriber: Option<String>,
    /// In a state.
    pub state: Option<RunState>,
    /// Whose window begins on this business date or later.
    pub from: Option<String>,
}

/// Up to which moment of the wall clock a schedule was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleMark {
    /// The store's id; empty where the schedule runs over all.
    pub store_id: String,
    /// The expression as it was then: with another one, the past is not known.
    pub at: String,
    /// Every firing until this one, it included, has its run.
    pub planned_to: DateTime,
}

/// Records of runs.
#[async_trait]
pub trait Runs {
    /// Adds a run; false where its id is there already.
    async fn run_insert(&mut self, run: &RunRow) -> Result<bool, Error>;
    /// A run by id.
    async fn run_get(&mut self, id: &str) -> Result<Option<RunRow>, Error>;
    /// Runs behind a place in the list, the newest first.
    async fn run_list(
        &mut self,
        filter: &RunFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<RunRow>, Error>;
    /// When the first of all that wait may begin or is free again.
    async fn run_next(&mut self) -> Result<Option<Timestamp>, Error>;
    /// Leases the run that has waited longest: one that is due or failed and whose time has come,
    /// or one whose lease ran out. Its attempts are counted on.
    async fn run_lease(
        &mut self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RunRow>, Error>;
    /// Leases one run whatever its state, unless it ended well or somebody has it now.
    async fn run_take(
        &mut self,
        id: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RunRow>, Error>;
    /// Keeps what the first attempt found, for all others.
    async fn run_begin(
        &mut self,
        id: &str,
        as_of: Timestamp,
        since: Option<Timestamp>,
        stores: u32,
    ) -> Result<(), Error>;
    /// Holds a lease for longer. None where it was lost; true where the run shall be stopped.
    async fn run_renew(
        &mut self,
        lease: &RunLease,
        until: Timestamp,
        progress: u64,
    ) -> Result<Option<bool>, Error>;
    /// Ends an attempt; false where its lease was lost, and then nothing of it may be kept.
    async fn run_close(&mut self, lease: &RunLease, end: &RunEnd) -> Result<bool, Error>;
    /// Makes a run due again, with all its tries. False where it has ended well, runs, or waits anyway.
    async fn run_replay(&mut self, id: &str, now: Timestamp) -> Result<bool, Error>;
    /// Cancels a run; one that is under way is told to stop. False where it is over.
    async fn run_cancel(&mut self, id: &str, now: Timestamp) -> Result<bool, Error>;
    /// Forgets a run that its owner has begun and wants to leave no trace of.
    async fn run_forget(&mut self, lease: &RunLease) -> Result<bool, Error>;
    /// `as_of` of the last run of this slot, point and scope that ended well.
    async fn run_last(
        &mut self,
        retailer: &str,
        subscriber: &str,
        point: Point,
        store_id: &str,
    ) -> Result<Option<Timestamp>, Error>;
    /// Up to when a schedule was planned, by store.
    async fn schedule_marks(
        &mut self,
        retailer: &str,
        schedule: &str,
    ) -> Result<Vec<ScheduleMark>, Error>;
    /// Moves a mark forwards, or sets it.
    async fn schedule_mark_put(
        &mut self,
        retailer: &str,
        schedule: &str,
        mark: &ScheduleMark,
    ) -> Result<(), Error>;
    /// Forgets a mark: the schedule does not run for this store any more.
    async fn schedule_mark_remove(
        &mut self,
        retailer: &str,
        schedule: &str,
        store_id: &str,
    ) -> Result<(), Error>;
}
