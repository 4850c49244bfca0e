//! Marks of schedules: the time up to which a schedule is planned.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::DateTime;

/// The time up to which a schedule is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleMark {
    /// The store's id; empty if the schedule covers all stores.
    pub store_id: String,
    /// The cron expression at that time. A changed expression starts anew.
    pub at: String,
    /// All firings up to and including this time have their runs.
    pub planned_to: PlannedTo,
}

/// A time up to which a schedule is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedTo {
    /// An instant.
    At(Timestamp),
    /// A local time, as earlier versions recorded it.
    Local(DateTime),
}

/// Records of schedules.
#[async_trait]
pub trait Schedules {
    /// The marks of a schedule, by store.
    async fn schedule_mark_list(
        &mut self,
        retailer: &str,
        schedule: &str,
    ) -> Result<Vec<ScheduleMark>, Error>;
    /// Inserts a mark, or moves it forward.
    async fn schedule_mark_put(
        &mut self,
        retailer: &str,
        schedule: &str,
        mark: &ScheduleMark,
    ) -> Result<(), Error>;
    /// Deletes a mark: the schedule no longer covers this store.
    async fn schedule_mark_remove(
        &mut self,
        retailer: &str,
        schedule: &str,
        store_id: &str,
    ) -> Result<(), Error>;
}
