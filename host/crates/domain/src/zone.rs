//! Time zones by their names.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Returns the time zone of an [accepted name](galleria_time_zones). The error states the rule, and a similar name.
pub fn parse(name: &str) -> Result<TimeZone, String> {
    galleria_time_zones::find(name)?;
    TimeZone::get(name).map_err(|error| error.to_string())
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
    // Instants end with the year 9999: the clock never shows a later time.
    let earliest = ambiguous.earlier().unwrap_or(Timestamp::MAX);
    let end_of_gap = gap.and_then(|after| {
        zone.following(earliest)
            .find(|change| change.offset() == after)
    });
    end_of_gap.map_or(earliest, |change| change.timestamp())
}

#[cfg(test)]
pub(crate) mod clocks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_name_is_a_zone() {
        for name in galleria_time_zones::names() {
            let zone = parse(name).expect(name);
            assert!(
                name == "Etc/UTC" || zone.iana_name() == Some(name),
                "{name}"
            );
        }
        let error = parse("Japan").expect_err("no place");
        assert!(error.contains("did you mean `Asia/Tokyo`?"), "{error}");
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
