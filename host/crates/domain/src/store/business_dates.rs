//! Business dates of every time zone, compared with a count of the minutes of the local clock.

use super::tests::store;
use super::*;
use crate::zone;
use crate::zone::clocks::{changes, clocks};
use jiff::{SignedDuration, ToSpan as _};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn date(text: &str) -> civil::Date {
    text.parse().expect("a date")
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn store_in(zone: &str, day_starts_minute: u16) -> Store {
    Store {
        zone: zone.into(),
        ..store(day_starts_minute)
    }
}

/// The number of the day that the local clock shows, counted from the start of the business day.
fn clock_day(zone: &TimeZone, at: Timestamp, day_starts_minute: u16) -> i64 {
    let local = at.as_second() + i64::from(zone.to_offset(at).seconds());
    (local - i64::from(day_starts_minute) * 60).div_euclid(86_400)
}

fn number(date: civil::Date) -> i64 {
    let days = date.since(civil::date(1970, 1, 1)).expect("days");
    days.get_days().into()
}

/// Compares business dates around clock changes with the clock, which may only go forward: a business date is
/// the latest day that the clock has shown. Returns the number of comparisons.
fn compare_around(name: &str, zone: &TimeZone, change: Timestamp, step: usize) -> u32 {
    let mut compared = 0;
    let clock = zone.to_datetime(change).time();
    let after =
        u16::try_from(i32::from(clock.hour()) * 60 + i32::from(clock.minute())).expect("minutes");
    // At midnight, in and at the edges of the skipped or repeated hour, and at 04:00.
    for day_starts_minute in [0, after, (after + 30) % 1_440, (after + 1_410) % 1_440, 240] {
        let store = store_in(name, day_starts_minute);
        let clock = |at| clock_day(zone, at, day_starts_minute);
        let mut latest = i64::MIN;
        // Between two changes the clock goes forward, so these instants show all that it shows.
        let near = (-180..180).step_by(step).map(minutes);
        let far = [3, 8, 14, 26].map(SignedDuration::from_hours);
        let before = [-27, -14, -8, -4].map(SignedDuration::from_hours);
        for since in before.into_iter().chain(near).chain(far) {
            let at = change + since;
            if at >= change {
                latest = latest.max(clock(change - SignedDuration::from_secs(1)));
            }
            latest = latest.max(clock(at));
            let found = number(store.business_date(at));
            assert_eq!(
                found, latest,
                "{name}, day from minute {day_starts_minute}, {at}"
            );
            compared += 1;
        }
    }
    compared
}

/// Checks that a date begins once, after the date before and before the next one. A date that the zone skips
/// is the only one without an instant.
fn check_day(store: &Store, zone: &TimeZone, day: civil::Date) {
    let (begins, over) = (store.day_begins(day), store.day_over(day));
    let text = format!(
        "{} from minute {}: {day}",
        store.zone, store.day_starts_minute
    );
    let nanosecond = SignedDuration::from_nanos(1);
    let before = store.business_date(begins - nanosecond);
    assert!(before < day, "{text}");
    assert_eq!(
        over,
        store.day_begins(day.tomorrow().expect("a date")),
        "{text}"
    );
    assert!(store.business_date(over) > day, "{text}");
    if begins == over {
        let shown = (0..48).map(|hour| begins + minutes((hour - 24) * 60));
        let number = number(day);
        let mut shown = shown.map(|at| clock_day(zone, at, store.day_starts_minute));
        assert!(!shown.any(|day| day == number), "{text}");
        return;
    }
    assert_eq!(store.business_date(begins), day, "{text}");
    assert_eq!(store.business_date(over - nanosecond), day, "{text}");
    assert!(over.duration_since(begins).as_hours() <= 49, "{text}");
}

#[test]
fn business_dates_agree_with_the_clock_of_every_zone_for_ten_years() {
    let (from, to) = (at("2022-01-01T00:00:00Z"), at("2032-01-01T00:00:00Z"));
    let (mut compared, mut day_starts_minute) = (0, 0);
    // A day does not begin and end at midnight in UTC.
    let margin = SignedDuration::from_hours(48);
    for (name, zone) in &clocks(from - margin, to + margin) {
        for change in changes(zone, from, to) {
            compared += compare_around(name, zone, change, 20);
        }
        let mut day = date("2022-01-01");
        while day < date("2032-01-01") {
            check_day(&store_in(name, day_starts_minute), zone, day);
            compared += 5;
            day_starts_minute = (day_starts_minute + 61) % 1_440;
            day = day.checked_add(37.days()).expect("a date");
        }
    }
    assert!(compared > 100_000, "{compared}");
}

#[test]
fn business_dates_agree_with_unusual_clocks_of_the_past_and_the_future() {
    for (name, from, to) in [
        // Skipped dates, and a repeated one.
        (
            "Pacific/Apia",
            "2011-01-01T00:00:00Z",
            "2013-01-01T00:00:00Z",
        ),
        (
            "Pacific/Fakaofo",
            "2011-01-01T00:00:00Z",
            "2013-01-01T00:00:00Z",
        ),
        (
            "Pacific/Kwajalein",
            "1993-01-01T00:00:00Z",
            "1994-01-01T00:00:00Z",
        ),
        (
            "America/Juneau",
            "1867-01-01T00:00:00Z",
            "1868-01-01T00:00:00Z",
        ),
        // Changes at or just after midnight.
        (
            "America/St_Johns",
            "2005-01-01T00:00:00Z",
            "2012-01-01T00:00:00Z",
        ),
        (
            "America/Sao_Paulo",
            "2015-01-01T00:00:00Z",
            "2020-01-01T00:00:00Z",
        ),
        (
            "America/Santiago",
            "2026-01-01T00:00:00Z",
            "2036-01-01T00:00:00Z",
        ),
        (
            "America/Havana",
            "2026-01-01T00:00:00Z",
            "2031-01-01T00:00:00Z",
        ),
        (
            "Asia/Beirut",
            "2020-01-01T00:00:00Z",
            "2031-01-01T00:00:00Z",
        ),
        (
            "Atlantic/Azores",
            "2026-01-01T00:00:00Z",
            "2031-01-01T00:00:00Z",
        ),
        // Half an hour, and Ramadan.
        (
            "Australia/Lord_Howe",
            "2026-01-01T00:00:00Z",
            "2031-01-01T00:00:00Z",
        ),
        (
            "Africa/Casablanca",
            "2026-01-01T00:00:00Z",
            "2046-01-01T00:00:00Z",
        ),
    ] {
        let zone = zone::parse(name).expect(name);
        let changes = changes(&zone, at(from), at(to));
        assert!(!changes.is_empty(), "{name}");
        for change in changes {
            compare_around(name, &zone, change, 7);
            let day = zone.to_datetime(change).date();
            for (near, starts) in
                (-3..=3).flat_map(|near| [0, 30, 150, 240, 1_439].map(|starts| (near, starts)))
            {
                let near = day.checked_add(near.days()).expect("a date");
                check_day(&store_in(name, starts), &zone, near);
            }
        }
    }
}

#[test]
fn a_day_that_starts_in_the_repeated_hour_starts_once() {
    // In Madrid, 02:00 to 03:00 occurs twice on the 25th of October 2026.
    let store = store_in("Europe/Madrid", 150);
    let days = |from: &str| {
        let from = at(from);
        let hours = (0..8).map(|half| store.business_date(from + minutes(30 * half)).day());
        hours.collect::<Vec<_>>()
    };
    assert_eq!(
        days("2026-10-24T23:30:00Z"),
        [24, 24, 25, 25, 25, 25, 25, 25]
    );
    assert_eq!(
        store.day_begins(date("2026-10-25")),
        at("2026-10-25T00:30:00Z")
    );
    // On the 29th of March, 02:30 is skipped: the day starts at 03:00.
    assert_eq!(
        days("2026-03-28T23:30:00Z"),
        [28, 28, 28, 29, 29, 29, 29, 29]
    );
    assert_eq!(
        store.day_over(date("2026-03-28")),
        at("2026-03-29T01:00:00Z")
    );
}

#[test]
fn a_skipped_date_has_no_instant() {
    // Samoa had no 30th of December 2011.
    let store = store_in("Pacific/Apia", 0);
    let last = store.day_over(date("2011-12-29"));
    assert_eq!(last, at("2011-12-30T10:00:00Z"));
    assert_eq!(store.day_over(date("2011-12-30")), last);
    assert_eq!(store.business_date(last - minutes(1)), date("2011-12-29"));
    assert_eq!(store.business_date(last), date("2011-12-31"));
}

#[test]
fn the_first_and_the_last_instant_have_a_business_date() {
    for name in [
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Europe/Madrid",
        "UTC",
    ] {
        for starts in [0, 1_439] {
            let store = store_in(name, starts);
            assert!(
                store.business_date(Timestamp::MIN) < date("-009999-01-05"),
                "{name}"
            );
            assert!(
                store.business_date(Timestamp::MAX) > date("9999-12-20"),
                "{name}"
            );
            assert_eq!(store.day_over(civil::Date::MAX), Timestamp::MAX);
        }
    }
}
