//! The instants at which a cron expression fires in a time zone.

use super::Cron;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// Firings closer than this are not single times of the day.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A firing of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The instant.
    pub at: Timestamp,
    /// The local time of the expression. The local clock does not show it if a clock change skipped it.
    pub local: DateTime,
}

/// The firings after an instant, in order.
///
/// Each local time of the expression is one firing, except at clock changes. Times that are skipped fire at the
/// end of the gap, as one firing for each date. Times that are repeated fire at their first occurrence. A schedule
/// that fires every hour, or that fires at intervals below an hour until the change is over, follows the elapsed
/// time instead: skipped times do not fire, and repeated ones fire twice.
pub struct Firings<'a> {
    cron: &'a Cron,
    zone: &'a TimeZone,
    /// The offset until `change`.
    offset: Offset,
    /// The next change of the offset.
    change: Option<(Timestamp, Offset)>,
    /// The next local time of the expression, in this offset.
    local: Option<DateTime>,
    /// Firings of skipped times, at the end of their gap.
    moved: VecDeque<Firing>,
}

impl<'a> Firings<'a> {
    /// The firings of an expression in a zone after an instant.
    pub fn after(cron: &'a Cron, zone: &'a TimeZone, after: Timestamp) -> Self {
        const INSTANT: SignedDuration = SignedDuration::from_nanos(1);
        let offset = zone.to_offset(after);
        let mut firings = Self {
            cron,
            zone,
            offset,
            change: None,
            local: None,
            moved: VecDeque::new(),
        };
        let until = after.saturating_add(INSTANT).unwrap_or(after);
        // Begin with the last change, because it may repeat local times after this instant.
        if let Some(change) = zone.preceding(until).next() {
            let at = change.timestamp();
            let before = at.saturating_sub(INSTANT).unwrap_or(at);
            firings.offset = zone.to_offset(before);
            firings.local = cron.from(firings.offset.to_datetime(at));
            firings.pass(at, offset);
            firings.moved.clear();
        }
        firings.change = next_change(zone, after, offset);
        let next = cron.next(offset.to_datetime(after));
        firings.local = firings.local.max(next);
        firings
    }

    /// Passes a change of the offset. The next local time in the old offset is not before it.
    fn pass(&mut self, change: Timestamp, offset: Offset) {
        let (ends, begins) = (self.offset.to_datetime(change), offset.to_datetime(change));
        if begins > ends {
            let skipped = self.local.filter(|local| *local < begins);
            if skipped.is_some_and(|first| !self.follows_elapsed_time(first, begins)) {
                self.move_skipped(change, begins);
            } else if skipped.is_some() {
                self.local = self.cron.from(begins);
            }
        } else if begins < ends {
            let repeated = self.cron.from(begins).filter(|local| *local < ends);
            if repeated.is_some_and(|first| self.follows_elapsed_time(first, ends)) {
                self.local = repeated;
            }
        }
        self.offset = offset;
        self.change = next_change(self.zone, change, offset);
    }

    /// Moves the firings before `begins` to the change, one for each date. A regular firing at the change replaces
    /// the one of its date.
    fn move_skipped(&mut self, change: Timestamp, begins: DateTime) {
        let mut last_of_date: BTreeMap<Date, DateTime> = BTreeMap::new();
        while let Some(skipped) = self.local.filter(|local| *local < begins) {
            last_of_date.insert(skipped.date(), skipped);
            self.local = self.cron.next(skipped);
        }
        if self.local == Some(begins) {
            last_of_date.remove(&begins.date());
        }
        let moved = last_of_date.into_values();
        self.moved
            .extend(moved.map(|local| Firing { at: change, local }));
    }

    /// Whether the schedule follows the elapsed time across a clock change. `first` is its first firing in the local
    /// times that the change skips or repeats, which end at `end`. It must fire every hour, or until then at intervals
    /// below an hour.
    fn follows_elapsed_time(&self, first: DateTime, end: DateTime) -> bool {
        let mut local = first;
        while local < end && !self.cron.fires_every_hour() {
            match self.cron.next(local) {
                Some(next) if next.duration_since(local) < HOUR => local = next,
                _ => return false,
            }
        }
        true
    }
}

impl Iterator for Firings<'_> {
    type Item = Firing;

    fn next(&mut self) -> Option<Firing> {
        loop {
            if let Some(firing) = self.moved.pop_front() {
                return Some(firing);
            }
            let local = self.local?;
            let at = self.offset.to_timestamp(local).ok();
            match self.change {
                Some((change, offset)) if at.is_none_or(|at| at >= change) => {
                    self.pass(change, offset);
                }
                _ => {
                    self.local = self.cron.next(local);
                    return at.map(|at| Firing { at, local });
                }
            }
        }
    }
}

/// The next change of a zone's offset.
fn next_change(zone: &TimeZone, after: Timestamp, offset: Offset) -> Option<(Timestamp, Offset)> {
    zone.following(after)
        .map(|change| (change.timestamp(), change.offset()))
        .find(|(_, next)| *next != offset)
}
