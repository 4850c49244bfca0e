//! Schedules: when runs are due by cron expressions, and the business dates they cover.
//!
//! A cron expression has no time zone: its firings are local times. [`Firings`] turns them into instants, also when
//! clocks change.

mod cron;
mod firings;
#[cfg(test)]
mod tests;
mod windows;

pub use cron::Cron;
pub use firings::{Firing, Firings};

use crate::plugin::Point;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use std::path::PathBuf;

/// The largest delay of a firing that was not missed: hosts check their schedules once a minute, and a restart
/// takes less than this.
pub const MAX_DELAY: SignedDuration = SignedDuration::from_mins(5);

/// The points whose runs cover business dates.
pub const POINTS: [Point; 3] = [
    Point::Report,
    Point::WriteSettlement,
    Point::ExportCatalogue,
];

/// The maximum number of firings planned in one pass; the next pass follows immediately.
const BATCH: usize = 1_000;

/// The due firings of a schedule for one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The firings, each once, in order.
    pub firings: Vec<Firing>,
    /// The instant up to which all firings are planned.
    pub planned_to: Timestamp,
    /// When to check again; none if the schedule never fires again.
    pub next: Option<Timestamp>,
}

/// Finds the firings that became due after `planned_to`.
pub fn due(
    cron: &Cron,
    zone: &TimeZone,
    catch_up: CatchUp,
    planned_to: Timestamp,
    now: Timestamp,
) -> Due {
    let mut due = Due {
        firings: Vec::new(),
        planned_to,
        next: None,
    };
    let mut missed = None;
    for firing in Firings::after(cron, zone, planned_to) {
        if firing.at > now {
            due.next = Some(firing.at);
            break;
        }
        // Firings of one instant are planned together.
        if due.firings.len() >= BATCH && firing.at > due.planned_to {
            due.next = Some(now);
            break;
        }
        due.planned_to = firing.at;
        let is_missed = now.duration_since(firing.at) > MAX_DELAY;
        match catch_up {
            _ if !is_missed => due.firings.push(firing),
            CatchUp::All => due.firings.push(firing),
            CatchUp::Latest => missed = Some(firing),
            CatchUp::None => {}
        }
    }
    if due.firings.is_empty() {
        due.firings.extend(missed);
    }
    due
}

/// Which missed firings are caught up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// All of them.
    All,
    /// The last one, if no other is due now.
    Latest,
    /// None of them.
    None,
}

impl CatchUp {
    /// The values in `retailer.toml`.
    pub const WORDS: [(&str, Self); 3] = [
        ("all", Self::All),
        ("latest", Self::Latest),
        ("none", Self::None),
    ];
}

/// The business dates that a run covers, relative to the day of the firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The day before.
    Yesterday,
    /// Monday to Sunday of the previous week.
    LastWeek,
    /// The first of the month to the day of the firing.
    MonthToDate,
    /// The whole previous month.
    LastMonth,
}

impl Span {
    /// The values in `retailer.toml`.
    pub const WORDS: [(&str, Self); 4] = [
        ("yesterday", Self::Yesterday),
        ("last-week", Self::LastWeek),
        ("month-to-date", Self::MonthToDate),
        ("last-month", Self::LastMonth),
    ];

    /// The first and the last business date, both included.
    pub fn dates(self, day: Date) -> (Date, Date) {
        match self {
            Self::Yesterday => {
                let before = day.saturating_sub(1.day());
                (before, before)
            }
            Self::LastWeek => {
                let since_monday = day.weekday().to_monday_zero_offset();
                let sunday = day.saturating_sub((i64::from(since_monday) + 1).days());
                (sunday.saturating_sub(6.days()), sunday)
            }
            Self::MonthToDate => (day.first_of_month(), day),
            Self::LastMonth => {
                let last = day.first_of_month().saturating_sub(1.day());
                (last.first_of_month(), last)
            }
        }
    }
}

/// The scope of the runs of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// One run for each store that the slot serves.
    Store,
    /// One run over all stores.
    Retailer,
}

impl Per {
    /// The values in `retailer.toml`.
    pub const WORDS: [(&str, Self); 2] = [("store", Self::Store), ("retailer", Self::Retailer)];
}

/// A schedule of a retailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The retailer.
    pub retailer: String,
    /// Its name in `retailer.toml`.
    pub name: String,
    /// The file that declares it, for messages.
    pub file: PathBuf,
    /// The slot to run.
    pub slot: String,
    /// The extension point to run; by default, the only one that the slot serves.
    pub point: Option<Point>,
    /// When it fires.
    pub at: Cron,
    /// The IANA name of the time zone; if absent, each store's own zone.
    pub zone: Option<String>,
    /// The scope of each run.
    pub per: Per,
    /// The business dates of a run.
    pub span: Span,
    /// Which missed firings are caught up.
    pub catch_up: CatchUp,
    /// Tries of a run before it is dead.
    pub tries: u32,
}
