//! Time zones by their IANA names.
//!
//! The only database is the one in the binary, so that a name means the same on every machine. Accepted are
//! `UTC`, `Etc/UTC`, and names of the form `Area/Place`, links included. All others are rejected: a zone
//! without a place (`Japan`, `EST`) or with a fixed offset (`Etc/GMT+1`) is usually a mistake, and a
//! placeholder (`Factory`, `Etc/Unknown`) would be UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{self, AmbiguousOffset, TimeZone};

/// Similarity from which a name is suggested. `Europe/Madird` suggests `Europe/Madrid`; `Mars/Olympus`
/// suggests nothing.
const SIMILAR: f64 = 0.75;

/// Returns the time zone of a name. The error states the rule, and a similar name.
pub fn parse(name: &str) -> Result<TimeZone, String> {
    let zone = TimeZone::get(name).ok();
    // The search ignores case.
    let same = |zone: &TimeZone| name == "Etc/UTC" || zone.iana_name() == Some(name);
    zone.filter(|zone| is_accepted(name) && same(zone))
        .ok_or_else(|| {
            let rule =
                "must be an IANA time zone of the form Area/Place, such as Europe/Madrid, or UTC";
            match suggestion(name) {
                Some(similar) => format!("{rule} (did you mean `{similar}`?)"),
                None => rule.to_owned(),
            }
        })
}

/// Returns the time zone of a name that was accepted earlier, perhaps by a version that accepted more names.
/// An unknown name is UTC.
pub fn recorded(name: &str) -> TimeZone {
    let copy = ["posix/", "right/"].iter();
    let name = copy
        .filter_map(|copy| name.strip_prefix(copy))
        .next()
        .unwrap_or(name);
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// The first instant at which the local clock shows `local` or a later time: if clocks repeat it, the first
/// occurrence; if they skip it, the end of the gap.
pub fn reached(zone: &TimeZone, local: DateTime) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let gap = match ambiguous.offset() {
        AmbiguousOffset::Gap { after, .. } => Some(after),
        _ => None,
    };
    // After the year 9999 there is no instant: the clock never shows it.
    let earliest = ambiguous.earlier().unwrap_or(Timestamp::MAX);
    let end_of_gap = gap.and_then(|after| {
        zone.following(earliest)
            .find(|change| change.offset() == after)
    });
    end_of_gap.map_or(earliest, |change| change.timestamp())
}

/// The accepted names, sorted.
pub fn names() -> Vec<String> {
    let all = tz::db().available();
    let accepted = all.filter(|name| is_accepted(name.as_str()));
    let mut names: Vec<String> = accepted.map(|name| name.as_str().to_owned()).collect();
    names.sort();
    names
}

/// Whether a name of the database has an accepted form.
fn is_accepted(name: &str) -> bool {
    matches!(name, "UTC" | "Etc/UTC") || (name.contains('/') && !name.starts_with("Etc/"))
}

/// The accepted name that `name` most likely means: the same in another case, the zone that a rejected name
/// links to, or the name or place with the smallest edit distance.
fn suggestion(name: &str) -> Option<String> {
    let normal = |text: &str| text.trim().to_lowercase().replace([' ', '-'], "_");
    let (wanted, names) = (normal(name), names());
    if let Some(other_case) = names.iter().find(|known| normal(known) == wanted) {
        return Some(other_case.clone());
    }
    let zone = TimeZone::get(name.trim()).ok();
    let linked = zone.as_ref().and_then(TimeZone::primary_iana_name);
    if let Some(linked) = linked.filter(|linked| is_accepted(linked)) {
        return Some(linked.to_owned());
    }
    let similarity = |known: &str| {
        let known = normal(known);
        let place = known.rsplit('/').next().filter(|_| !wanted.contains('/'));
        strsim::normalized_damerau_levenshtein(&wanted, place.unwrap_or(&known))
    };
    names
        .into_iter()
        .map(|known| (similarity(&known), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let zone = parse(name).expect(name);
            assert!(zone.iana_name().is_some(), "{name}");
        }
        assert!(names().len() > 450, "{}", names().len());
        for name in names() {
            assert!(parse(&name).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_other_name_is_rejected() {
        let database = tz::db().available().map(|name| name.as_str().to_owned());
        let without_place: Vec<String> = database.filter(|name| !is_accepted(name)).collect();
        assert!(
            without_place.contains(&"Factory".to_owned()),
            "{without_place:?}"
        );
        assert!(without_place.contains(&"Etc/GMT+1".to_owned()));
        let others = "
            Etc/Unknown localtime posixrules right/Europe/Madrid posix/Europe/Madrid right/UTC SystemV/EST5EDT
            GMT+1 UTC+1 +01:00 +01 CEST BST PST EST5EDT,M3.2.0,M11.1.0 <+03>-3 Europe Europe/ /Madrid
            Europe/Madrid/ ../Europe/Madrid Europe/Madrid. Mars/Olympus europe/madrid EUROPE/MADRID utc Utc
            etc/utc Z local store unknown";
        for name in without_place
            .iter()
            .map(String::as_str)
            .chain(others.split_whitespace())
        {
            assert!(parse(name).is_err(), "{name}");
        }
        for name in [
            "",
            " ",
            " Europe/Madrid",
            "Europe/Madrid ",
            "Europe/Madrid\0",
            "Europe/Mad\u{301}rid",
        ] {
            assert!(parse(name).is_err(), "{name:?}");
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
            ("Japan", "Asia/Tokyo"),
            ("Turkey", "Europe/Istanbul"),
            ("utc", "UTC"),
            ("Zulu", "UTC"),
            ("GMT", "UTC"),
        ] {
            let error = parse(name).expect_err(name);
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
            let error = parse(name).expect_err(name);
            assert!(!error.contains("did you mean"), "{name}: {error}");
        }
    }

    #[test]
    fn recorded_names_of_earlier_versions_keep_their_clock() {
        let at = "2026-07-01T12:00:00Z".parse().expect("an instant");
        for (name, hour) in [
            ("Japan", 21),
            ("Etc/GMT+1", 11),
            ("posix/Europe/Madrid", 14),
            ("right/Europe/Madrid", 14),
            ("europe/madrid", 14),
            ("Factory", 12),
            ("lost", 12),
        ] {
            assert_eq!(recorded(name).to_datetime(at).hour(), hour, "{name}");
        }
    }
}
