use super::*;

#[test]
fn every_day_of_the_calendar_is_converted_back() {
    let first = Date::parse("0000-01-01").expect("the first day").days();
    let last = Date::parse("9999-12-31").expect("the last day").days();
    assert_eq!(last - first, 3_652_424);
    assert_eq!(Date::parse("1970-01-01").map(Date::days), Ok(0));
    let mut before = None;
    for days in first..=last {
        let date = Date::of_days(days).expect("a date");
        assert_eq!(date.days(), days);
        assert!(before < Some(date), "{date}");
        before = Some(date);
    }
    assert_eq!(
        (Date::of_days(first - 1), Date::of_days(last + 1)),
        (None, None)
    );
}

#[test]
fn invalid_days_are_rejected() {
    for bad in [
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-04-31",
        "26-04-30",
        "2026/04/30",
        "",
    ] {
        assert!(Date::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(
        Date::parse("2024-02-28")
            .and_then(|d| d.plus_days(2))
            .map(|d| d.to_string()),
        Ok("2024-03-01".into())
    );
}

#[test]
fn the_repeated_hour_is_two_instants() {
    let first = Instant::parse("2026-10-25T02:30:00.000+02:00").expect("an instant");
    let second = Instant::parse("2026-10-25T02:30:00.000+01:00").expect("an instant");
    assert_eq!(second.unix_ms() - first.unix_ms(), 3_600_000);
    assert_eq!(first.to_utc().to_string(), "2026-10-25T00:30:00.000Z");
    assert_eq!(first.to_string(), "2026-10-25T02:30:00.000+02:00");
}

#[test]
fn utc_crosses_days_both_ways() {
    let west = Instant::parse("2026-12-31T20:15:00.250-05:30").expect("an instant");
    assert_eq!(west.to_utc().to_string(), "2027-01-01T01:45:00.250Z");
    let east = Instant::parse("2027-01-01T00:15:00+02:00").expect("an instant");
    assert_eq!(east.to_utc().to_string(), "2026-12-31T22:15:00.000Z");
    assert_eq!(west.to_utc().unix_ms(), west.unix_ms());
}

#[test]
fn invalid_instants_are_rejected() {
    for bad in [
        "2026-10-25",
        "2026-10-25T24:00:00Z",
        "2026-10-25T02:30:00",
        "2026-10-25T02:30:00.1Z",
        "2026-10-25T02:30:60Z",
        "2026-10-25 02:30:00Z",
        "2026-10-25T02:30:00+0200",
        "é026-10-25T02:30:00Z",
    ] {
        assert!(Instant::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn unknown_letters_in_patterns_are_rejected() {
    let at = Instant::parse("2026-03-09T01:02:03.045+01:00").expect("an instant");
    assert_eq!(
        at.format("%y%m%dT%H%M%S.%L%z%%é"),
        Ok("260309T010203.045+01:00%é".into())
    );
    assert!(at.format("%Q").is_err());
    assert!(at.format("%").is_err());
}
