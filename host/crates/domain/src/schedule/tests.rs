use super::*;
use std::collections::BTreeMap;

const ZONES: [&str; 6] = [
    "Europe/Madrid",
    "Europe/Copenhagen",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone")
}

fn cron(text: &str) -> Cron {
    Cron::parse(text).expect("an expression")
}

fn wall(text: &str) -> DateTime {
    text.parse().expect("a moment")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// Checks a schedule at irregular times of a year; collects every firing with the instants of the checks.
fn firings_of_a_year(
    cron: &Cron,
    zone: &TimeZone,
    steps: &[i64],
) -> BTreeMap<DateTime, Vec<Timestamp>> {
    let (mut now, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let mut planned_to = zone.to_datetime(now);
    let mut seen: BTreeMap<DateTime, Vec<Timestamp>> = BTreeMap::new();
    for step in steps.iter().cycle() {
        now = now.checked_add(step.minutes()).expect("within a year");
        let due = due(cron, zone, CatchUp::All, planned_to, now);
        for firing in due.firings {
            seen.entry(firing).or_default().push(now);
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
        // Daily, hourly and every quarter of an hour, including the days of clock changes.
        for (text, minutes) in [
            ("30 2 * * *", 1440),
            ("0 * * * *", 60),
            ("*/15 * * * *", 15),
        ] {
            let seen = firings_of_a_year(&cron(text), &zone, &[1, 7, 15, 59, 61, 5, 180, 1500]);
            let twice: Vec<_> = seen.iter().filter(|(_, looks)| looks.len() != 1).collect();
            assert!(twice.is_empty(), "{name} {text}: {twice:?}");
            let moments: Vec<_> = seen.keys().copied().collect();
            for pair in moments.windows(2) {
                let apart = pair[1].duration_since(pair[0]).as_mins();
                assert_eq!(apart, minutes, "{name} {text}: {pair:?}");
            }
            assert!(
                moments.len() >= 364 * 1440 / minutes as usize,
                "{name} {text}"
            );
        }
    }
}

#[test]
fn a_skipped_firing_moves_forward() {
    let madrid = zone("Europe/Madrid");
    let half_past = instant(&madrid, wall("2026-03-29T02:30:00"));
    assert_eq!(half_past, at("2026-03-29T01:30:00Z"), "03:30 in summer");
    // Lord Howe Island skips half an hour.
    let howe = zone("Australia/Lord_Howe");
    let quarter_past = instant(&howe, wall("2026-10-04T02:15:00"));
    assert_eq!(howe.to_datetime(quarter_past), wall("2026-10-04T02:45:00"));
}

#[test]
fn a_repeated_hour_fires_the_first_time() {
    let new_york = zone("America/New_York");
    let half_past = instant(&new_york, wall("2026-11-01T01:30:00"));
    assert_eq!(half_past, at("2026-11-01T05:30:00Z"), "still summer");
    let daily = cron("30 1 * * *");
    let first = due(
        &daily,
        &new_york,
        CatchUp::All,
        wall("2026-10-31T01:30:00"),
        at("2026-11-01T05:30:00Z"),
    );
    assert_eq!(first.firings, [wall("2026-11-01T01:30:00")]);
    let again = due(
        &daily,
        &new_york,
        CatchUp::All,
        first.planned_to,
        at("2026-11-01T06:31:00Z"),
    );
    assert_eq!(again.firings, []);
    assert_eq!(again.next, Some(at("2026-11-02T06:30:00Z")));
}

#[test]
fn missed_days_are_caught_up_as_configured() {
    let (daily, kolkata) = (cron("0 6 * * *"), zone("Asia/Kolkata"));
    let late = |catch_up, now| {
        due(
            &daily,
            &kolkata,
            catch_up,
            wall("2026-11-20T06:00:00"),
            at(now),
        )
    };
    let noon = "2026-11-23T06:30:00Z";
    let days = |firings: &[DateTime]| firings.iter().map(|f| f.day()).collect::<Vec<_>>();
    assert_eq!(days(&late(CatchUp::All, noon).firings), [21, 22, 23]);
    assert_eq!(days(&late(CatchUp::Latest, noon).firings), [23]);
    assert!(late(CatchUp::None, noon).firings.is_empty());
    // A firing that is due now is not missed.
    let sharp = "2026-11-23T00:30:30Z";
    assert_eq!(days(&late(CatchUp::Latest, sharp).firings), [23]);
    assert_eq!(days(&late(CatchUp::None, sharp).firings), [23]);
    assert_eq!(
        late(CatchUp::None, noon).planned_to,
        wall("2026-11-23T06:00:00")
    );
}

#[test]
fn long_outages_are_caught_up_in_batches() {
    let (often, utc) = (cron("* * * * *"), TimeZone::UTC);
    let (mut planned_to, mut count) = (wall("2026-11-20T00:00:00"), 0);
    loop {
        let due = due(
            &often,
            &utc,
            CatchUp::All,
            planned_to,
            at("2026-11-23T00:00:00Z"),
        );
        assert!(due.firings.len() <= BATCH);
        count += due.firings.len();
        planned_to = due.planned_to;
        if due.next > Some(at("2026-11-23T00:00:00Z")) {
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
