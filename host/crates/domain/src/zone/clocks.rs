//! The clocks of all zones, for tests.

use super::parse;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use std::collections::BTreeMap;

/// A zone for each clock that an accepted name shows between two instants. Links, and zones that differ only at
/// other times, share a clock, so a test of one is a test of all.
pub(crate) fn clocks(from: Timestamp, to: Timestamp) -> Vec<(&'static str, TimeZone)> {
    let mut clocks = BTreeMap::new();
    for name in galleria_time_zones::names() {
        let zone = parse(name).expect(name);
        let clock = (zone.to_offset(from), offset_changes(&zone, from, to));
        clocks.entry(clock).or_insert((name, zone));
    }
    clocks.into_values().collect()
}

/// The instants between two others at which the zone's offset changes.
pub(crate) fn changes(zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let changes = offset_changes(zone, from, to).into_iter();
    changes.map(|(at, _)| at).collect()
}

fn offset_changes(zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Offset)> {
    let mut offset = zone.to_offset(from);
    let all = zone
        .following(from)
        .map(|change| (change.timestamp(), change.offset()));
    all.take_while(|(at, _)| *at < to)
        .filter(|(_, next)| std::mem::replace(&mut offset, *next) != *next)
        .collect()
}
