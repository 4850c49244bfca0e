use super::*;
use crate::zone::clocks::{changes, clocks};
use std::collections::BTreeMap;

/// Zones with different clock changes: northern, southern, by half an hour, and none.
const ZONES: [&str; 4] = [
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone")
}

fn cron(text: &str) -> Cron {
    Cron::parse(text).expect("an expression")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// Checks a schedule at irregular times of a year; collects every firing with the instants of the checks.
fn firings_of_a_year(
    cron: &Cron,
    zone: &TimeZone,
    steps: &[i64],
) -> BTreeMap<Timestamp, Vec<Timestamp>> {
    let (mut now, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let mut planned_to = now;
    let mut seen: BTreeMap<Timestamp, Vec<Timestamp>> = BTreeMap::new();
    for step in steps.iter().cycle() {
        now = now.checked_add(step.minutes()).expect("within a year");
        let due = due(cron, zone, CatchUp::All, planned_to, now);
        for firing in due.firings {
            seen.entry(firing.at).or_default().push(now);
        }
        planned_to = due.planned_to;
        if now > end {
            return seen;
        }
    }
    seen
}

#[test]
fn every_firing_of_a_year_happens_once_in_every_zone() {
    for name in ZONES {
        let zone = zone(name);
        for text in ["30 2 * * *", "*/45 * * * *"] {
            let seen = firings_of_a_year(&cron(text), &zone, &[1, 7, 15, 59, 61, 5, 180, 1500]);
            let twice: Vec<_> = seen.iter().filter(|(_, looks)| looks.len() != 1).collect();
            assert!(twice.is_empty(), "{name} {text}: {twice:?}");
            let cron = cron(text);
            let all = Firings::after(&cron, &zone, at("2026-01-01T00:00:00Z"));
            let last = *seen.keys().last().expect("firings");
            let all: Vec<_> = all
                .map(|firing| firing.at)
                .take_while(|at| *at <= last)
                .collect();
            assert!(seen.keys().eq(&all), "{name} {text}");
        }
    }
}

/// The local clock in minutes.
fn clock(zone: &TimeZone, at: Timestamp) -> i64 {
    (at.as_second() + i64::from(zone.to_offset(at).seconds())).div_euclid(60)
}

/// Every change of a clock in the next two years, each with a zone that shows it.
fn all_changes() -> impl Iterator<Item = (&'static str, TimeZone, Timestamp)> {
    let (from, to) = (at("2026-11-30T00:00:00Z"), at("2028-12-31T00:00:00Z"));
    let margin = SignedDuration::from_hours(48);
    let clocks = clocks(from - margin, to + margin).into_iter();
    clocks.flat_map(move |(name, zone)| {
        let changes = changes(&zone, from, to).into_iter();
        changes.map(move |change| (name, zone.clone(), change))
    })
}

/// Every fifth minute from a day before a change to a day after it.
fn around(change: Timestamp) -> impl Iterator<Item = Timestamp> {
    (-288..=288).map(move |step| change + SignedDuration::from_mins(step * 5))
}

fn firings(text: &str, zone: &TimeZone, change: Timestamp) -> Vec<Firing> {
    let (cron, day) = (cron(text), SignedDuration::from_hours(24));
    let after = change - day - SignedDuration::from_secs(1);
    let all = Firings::after(&cron, zone, after);
    all.take_while(|firing| firing.at <= change + day).collect()
}

#[test]
fn in_every_zone_a_frequent_schedule_follows_the_elapsed_time() {
    let mut count = 0;
    for (name, zone, change) in all_changes() {
        for (text, every) in [("*/15 * * * *", 15), ("0,30 0-23 * * *", 30)] {
            let found = firings(text, &zone, change);
            let shown = around(change).filter(|at| clock(&zone, *at) % every == 0);
            let shown: Vec<_> = shown.collect();
            let found: Vec<_> = found.iter().map(|firing| firing.at).collect();
            assert_eq!(found, shown, "{name} {text} {change}");
            for pair in found.windows(2) {
                let apart = pair[1].duration_since(pair[0]).as_mins();
                assert_eq!(apart, every, "{name} {text}: {pair:?}");
            }
        }
        count += 1;
    }
    assert!(count > 100, "{count} changes");
}

#[test]
fn in_every_zone_a_time_of_day_fires_once_a_day() {
    for (name, zone, change) in all_changes() {
        for minute in [0, 30, 60, 135, 180, 1_410] {
            let text = format!("{} {} * * *", minute % 60, minute / 60);
            let found = firings(&text, &zone, change);
            // The clock reaches the time of each day once, whether it shows it, repeats it or skips it.
            let mut latest = i64::MIN;
            let mut reached = Vec::new();
            for at in around(change) {
                let now = clock(&zone, at);
                let days = |clock: i64| (clock - minute).div_euclid(1_440);
                if latest != i64::MIN && days(now) > days(latest) {
                    reached.push((at, days(now)));
                }
                latest = latest.max(now);
            }
            let epoch = jiff::civil::date(1970, 1, 1);
            let day = |firing: &Firing| {
                let local = firing.local.date();
                (firing.at, i64::from((local - epoch).get_days()))
            };
            let first = found
                .iter()
                .position(|firing| firing.at > change - SignedDuration::from_hours(24));
            let found: Vec<_> = found[first.expect("a firing")..].iter().map(day).collect();
            assert_eq!(found, reached, "{name} {text} {change}");
        }
    }
}

#[test]
fn a_schedule_with_some_hours_neither_pauses_nor_repeats_its_times() {
    let madrid = zone("Europe/Madrid");
    let (spring, autumn) = (at("2026-03-29T01:00:00Z"), at("2026-10-25T01:00:00Z"));
    let of = |text: &str, change: Timestamp| {
        let all = firings(text, &madrid, change).into_iter();
        let near = all.filter(|firing| firing.at.duration_since(change).as_mins().abs() <= 75);
        let text = near.map(|firing| firing.at.strftime("%H:%M").to_string());
        text.collect::<Vec<_>>().join(" ")
    };
    // Every quarter of an hour from 01:00 to 04:00 goes on.
    assert_eq!(
        of("*/15 1-3 * * *", spring),
        "00:00 00:15 00:30 00:45 01:00 01:15 01:30 01:45"
    );
    assert_eq!(
        of("*/15 1-3 * * *", autumn),
        "23:45 00:00 00:15 00:30 00:45 01:00 01:15 01:30 01:45 02:00 02:15"
    );
    // Only from 02:00 to 03:00: skipped times are one firing, repeated ones fire once.
    assert_eq!(of("*/15 2 * * *", spring), "01:00");
    assert_eq!(of("*/15 2 * * *", autumn), "00:00 00:15 00:30 00:45");
    // Single times of the day.
    assert_eq!(of("15 2,3 * * *", spring), "01:00 01:15");
    assert_eq!(of("15 2,3 * * *", autumn), "00:15 02:15");
    assert_eq!(of("0 2,3 * * *", spring), "01:00");
    assert_eq!(of("0 */2 * * *", spring), "01:00 02:00");
    // Every hour.
    assert_eq!(of("15 * * * *", spring), "00:15 01:15 02:15");
    assert_eq!(of("15 * * * *", autumn), "00:15 01:15 02:15");
}

#[test]
fn planning_continues_at_any_instant_of_a_change() {
    for (name, change) in [
        ("Europe/Madrid", "2026-03-29T01:00:00Z"),
        ("Europe/Madrid", "2026-10-25T01:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
        ("America/Santiago", "2026-09-06T04:00:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ] {
        let (zone, change) = (zone(name), at(change));
        for text in [
            "*/15 * * * *",
            "15 * * * *",
            "30 2 * * *",
            "0 0 * * *",
            "*/20 2 * * *",
            "*/20 1-4 * * *",
        ] {
            let cron = cron(text);
            let all = firings(text, &zone, change);
            for after in around(change).step_by(5) {
                let rest = Firings::after(&cron, &zone, after);
                let rest: Vec<_> = rest
                    .take_while(|firing| firing.at <= change + SignedDuration::from_hours(24))
                    .collect();
                let later = all.iter().filter(|firing| firing.at > after).copied();
                assert_eq!(
                    rest,
                    later.collect::<Vec<_>>(),
                    "{name} {text} after {after}"
                );
            }
        }
    }
}

#[test]
fn the_dates_of_a_skipped_day_are_not_lost() {
    // Samoa had no 30th of December 2011: its firings are due when the 31st begins.
    let apia = zone("Pacific/Apia");
    let change = at("2011-12-30T10:00:00Z");
    let of = |text: &str| {
        let all = firings(text, &apia, change).into_iter();
        let days = all.map(|firing| (firing.local.day(), firing.at == change));
        days.collect::<Vec<_>>()
    };
    assert_eq!(of("30 2 * * *"), [(29, false), (30, true), (31, false)]);
    assert_eq!(
        of("0 0 * * *"),
        [(29, false), (30, true), (31, true), (1, false)]
    );
    assert_eq!(
        of("0 4,20 * * *"),
        [
            (29, false),
            (29, false),
            (30, true),
            (31, false),
            (31, false)
        ]
    );
}

#[test]
fn missed_days_are_caught_up_as_configured() {
    let (daily, kolkata) = (cron("0 6 * * *"), zone("Asia/Kolkata"));
    let late = |catch_up, now| {
        let planned_to = at("2026-11-20T00:30:00Z");
        due(&daily, &kolkata, catch_up, planned_to, at(now))
    };
    let noon = "2026-11-23T06:30:00Z";
    let days = |firings: &[Firing]| firings.iter().map(|f| f.local.day()).collect::<Vec<_>>();
    assert_eq!(days(&late(CatchUp::All, noon).firings), [21, 22, 23]);
    assert_eq!(days(&late(CatchUp::Latest, noon).firings), [23]);
    assert!(late(CatchUp::None, noon).firings.is_empty());
    // A firing that is due now is not missed.
    let sharp = "2026-11-23T00:30:30Z";
    assert_eq!(days(&late(CatchUp::Latest, sharp).firings), [23]);
    assert_eq!(days(&late(CatchUp::None, sharp).firings), [23]);
    assert_eq!(
        late(CatchUp::None, noon).planned_to,
        at("2026-11-23T00:30:00Z")
    );
}

#[test]
fn long_outages_are_caught_up_in_batches() {
    let (often, utc) = (cron("* * * * *"), TimeZone::UTC);
    let (mut planned_to, mut count) = (at("2026-11-20T00:00:00Z"), 0);
    let now = at("2026-11-23T00:00:00Z");
    loop {
        let due = due(&often, &utc, CatchUp::All, planned_to, now);
        assert!(due.firings.len() <= BATCH);
        count += due.firings.len();
        planned_to = due.planned_to;
        if due.next > Some(now) {
            break;
        }
    }
    assert_eq!(count, 3 * 1440);
}

#[test]
fn spans_cover_whole_business_dates() {
    let dates = |span: Span, day: &str| {
        let (first, last) = span.dates(day.parse().expect("a date"));
        format!("{first} {last}")
    };
    assert_eq!(
        dates(Span::Yesterday, "2026-01-01"),
        "2025-12-31 2025-12-31"
    );
    assert_eq!(dates(Span::LastWeek, "2026-11-23"), "2026-11-16 2026-11-22");
    assert_eq!(dates(Span::LastWeek, "2026-11-29"), "2026-11-16 2026-11-22");
    assert_eq!(
        dates(Span::MonthToDate, "2026-11-24"),
        "2026-11-01 2026-11-24"
    );
    assert_eq!(
        dates(Span::LastMonth, "2026-03-31"),
        "2026-02-01 2026-02-28"
    );
}

#[test]
fn invalid_expressions_are_rejected() {
    let error = |text: &str| Cron::parse(text).expect_err("rejected");
    assert!(
        error("at noon").contains("5 or 6 fields"),
        "{}",
        error("at noon")
    );
    assert!(error("").contains("5 or 6 fields"));
    assert!(error("61 * * * *").contains("5 or 6 fields"));
    assert!(
        error("0 0 0 1 1 * 2026").contains("5 or 6 fields"),
        "{}",
        error("0 0 0 1 1 * 2026")
    );
    assert!(
        error("0 0 30 2 *").contains("never fires"),
        "{}",
        error("0 0 30 2 *")
    );
    assert!(Cron::parse("15 30 2 * * MON-FRI").is_ok());
    assert!(Cron::parse("0 0 29 2 *").is_ok(), "a leap day");
}
