//! Durations and sizes in configuration files: `250ms`, `24h`, `1MiB`.

use std::time::Duration;

/// Units of durations, in milliseconds.
pub(crate) const DURATIONS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Units of sizes, in bytes.
pub(crate) const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Describes the form of a duration.
pub(crate) const DURATION_FORM: &str =
    "written as an integer with ms, s, m, h or d, such as \"30s\"";

/// Describes the form of a size.
pub(crate) const SIZE_FORM: &str =
    "written as an integer with B, KiB, MiB or GiB, such as \"1MiB\"";

/// Parses a duration.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    scaled(text, DURATIONS).map(Duration::from_millis)
}

/// Parses a number of bytes.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    scaled(text, SIZES)
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Describes a range: ` from 1s to 24h`, ` of at least 1ms`, or nothing.
pub(crate) fn range(low: u64, high: u64, units: &[(&str, u64)]) -> String {
    match (low, high) {
        (0, u64::MAX) => String::new(),
        (low, u64::MAX) => format!(" of at least {}", written(low, units)),
        (low, high) => format!(" from {} to {}", written(low, units), written(high, units)),
    }
}

/// Writes a number with the largest unit that divides it.
pub(crate) fn written(number: u64, units: &[(&str, u64)]) -> String {
    let fits = |unit: &&(&str, u64)| number >= unit.1 && number.is_multiple_of(unit.1);
    match units.iter().rev().find(fits) {
        Some((name, factor)) => format!("{}{name}", number / factor),
        None => format!("{number}{}", units.first().map_or("", |unit| unit.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_scale() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("24 h"), Some(Duration::from_secs(86_400)));
        assert_eq!(bytes("1MiB"), Some(1_048_576));
        assert_eq!(bytes("0B"), Some(0));
    }

    #[test]
    fn a_number_without_a_unit_or_too_large_is_rejected() {
        for bad in [
            "",
            "5",
            "h",
            "-1s",
            "1.5h",
            "1H",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(duration(bad).is_none(), "{bad:?}");
        }
        assert!(bytes("1MB").is_none());
    }

    #[test]
    fn a_range_is_written_with_the_largest_units() {
        assert_eq!(range(1, 5_000, DURATIONS), " from 1ms to 5s");
        assert_eq!(range(0, 86_400_000, DURATIONS), " from 0ms to 1d");
        assert_eq!(range(300, u64::MAX, DURATIONS), " of at least 300ms");
        assert_eq!(range(0, u64::MAX, DURATIONS), "");
        assert_eq!(range(1 << 10, 64 << 30, SIZES), " from 1KiB to 64GiB");
    }
}
