//! Durations and sizes as people write them: `250ms`, `24h`, `1MiB`.

use std::time::Duration;

const DURATIONS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// A duration, or what would be right.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    scaled(text, DURATIONS)
        .map(Duration::from_millis)
        .ok_or_else(|| "a whole number with ms, s, m, h or d, such as \"30s\" or \"24h\"".into())
}

/// A number of bytes, or what would be right.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    scaled(text, SIZES)
        .ok_or_else(|| "a whole number with B, KiB, MiB or GiB, such as \"1MiB\"".into())
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_scale() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("24 h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(bytes("1MiB"), Ok(1_048_576));
        assert_eq!(bytes("0B"), Ok(0));
    }

    #[test]
    fn what_has_no_unit_or_does_not_fit_is_refused() {
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
            assert!(duration(bad).is_err(), "{bad:?}");
        }
        assert!(bytes("1MB").is_err());
    }
}
