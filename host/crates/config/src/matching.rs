//! `[matching]` and `[plugins.NAME.pickup]` of `retailer.toml`: the rules for matching statements, and
//! the directories from which the host picks them up.

use crate::checks::Checks;
use crate::host::HostConfig;
use crate::raw::{RawFee, RawMatching, RawPickup};
use crate::suggest;
use galleria_domain::{Complete, Decimal, FeeRule, MatchingRules, Pickup};

/// Reads a retailer's rules; missing ones have their defaults.
pub(crate) fn rules(raw: RawMatching, checks: &mut Checks) -> MatchingRules {
    let RawMatching {
        amount_tolerance,
        fee_tolerance,
        uncovered_after_days,
        settled_kinds,
        fees,
    } = raw;
    let default = MatchingRules::default();
    let fees = fees.into_iter().enumerate();
    let tolerances = [
        ("amount_tolerance", amount_tolerance),
        ("fee_tolerance", fee_tolerance),
    ];
    for (name, tolerance) in tolerances {
        let key = format!("matching.{name}");
        let good = tolerance.is_none_or(|minor| minor >= 0);
        checks.check(good, &key, "must be minor units, at least 0");
    }
    let days = uncovered_after_days.is_none_or(|days| (1..=3_650).contains(&days));
    checks.check(
        days,
        "matching.uncovered_after_days",
        "must be an integer from 1 to 3650",
    );
    for (n, kind) in settled_kinds.iter().enumerate() {
        let word = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let key = format!("matching.settled_kinds.{n}");
        checks.check(
            word,
            &key,
            "must be a kind of tender, such as \"card\" or \"wallet\"",
        );
    }
    MatchingRules {
        amount_tolerance: amount_tolerance.unwrap_or(default.amount_tolerance),
        fee_tolerance: fee_tolerance.unwrap_or(default.fee_tolerance),
        fees: fees.filter_map(|(n, raw)| fee(n, raw, checks)).collect(),
        uncovered_after_days: uncovered_after_days.unwrap_or(default.uncovered_after_days),
        settled_kinds: settled_kinds.into_iter().collect(),
    }
}

fn fee(n: usize, raw: RawFee, checks: &mut Checks) -> Option<FeeRule> {
    let RawFee {
        provider,
        scheme,
        refunds,
        rate,
        fixed,
    } = raw;
    let key = format!("matching.fees.{n}");
    let fixed_good = fixed.is_none_or(|minor| minor >= 0);
    checks.check(
        fixed_good,
        &format!("{key}.fixed"),
        "must be minor units, at least 0",
    );
    let rate = match rate.as_deref().map(percent) {
        None => Some(Decimal::whole(0)),
        Some(Some(rate)) => Some(rate),
        Some(None) => {
            let message = "must be a percentage as text, such as \"1.4\", from 0 to 100 with at most \
                           6 digits after the point";
            checks.wrong(format!("{key}.rate"), message);
            None
        }
    };
    Some(FeeRule {
        provider: provider.unwrap_or_default(),
        scheme: scheme.unwrap_or_default(),
        refunds,
        rate: rate?,
        fixed: fixed.unwrap_or_default(),
    })
}

/// Parses `1.4` as 14 × 10^-1. Further digits than six after the point must be zero.
fn percent(text: &str) -> Option<Decimal> {
    let (whole, written) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let dangling = text.contains('.') && written.is_empty();
    let part = match written.len() > 6 {
        true => written.trim_end_matches('0'),
        false => written,
    };
    if whole.is_empty() || dangling || part.len() > 6 || !digits(whole) || !digits(part) {
        return None;
    }
    let scale = u8::try_from(part.len()).ok()?;
    let unscaled: i64 = format!("{whole}{part}").parse().ok()?;
    let most = 100 * 10_i64.pow(scale.into());
    (unscaled <= most).then_some(Decimal { unscaled, scale })
}

/// Reads the directory of a slot's statements.
pub(crate) fn pickup(
    retailer: &str,
    slot: &str,
    raw: &RawPickup,
    host: &HostConfig,
    checks: &mut Checks,
) -> Option<Pickup> {
    let RawPickup {
        directory,
        suffix,
        complete,
    } = raw;
    let key = |name: &str| format!("plugins.{slot}.pickup.{name}");
    let directory = directory.clone().unwrap_or_default();
    if !host.directories.contains_key(&directory) {
        let known: Vec<&str> = host.directories.keys().map(String::as_str).collect();
        let known = suggest::list(&directory, &known);
        let message = format!("must be a directory of host.toml, which has {known}");
        checks.wrong(key("directory"), message);
    }
    let suffix = suffix.clone().unwrap_or_default();
    let good = suffix.starts_with('.') && (2..=64).contains(&suffix.len());
    // A marker is never a statement.
    let good = good && !suffix.contains('/') && !suffix.to_ascii_lowercase().ends_with(".complete");
    checks.check(
        good,
        &key("suffix"),
        "must be a suffix of file names such as \".csv\", other than \".complete\"",
    );
    let complete = match complete.as_deref() {
        Some("marker") => Complete::Marker,
        Some(time) => Complete::Unchanged(checks.duration(&key("complete"), time)),
        None => {
            let message = "must be \"marker\", if a complete file has <file>.complete beside it, or \
                           the time for which it must not have changed, such as \"30s\"";
            checks.wrong(key("complete"), message);
            return None;
        }
    };
    Some(Pickup {
        retailer: retailer.to_owned(),
        plugin: slot.to_owned(),
        directory,
        suffix,
        complete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_exact() {
        let rate = |unscaled, scale| Some(Decimal { unscaled, scale });
        assert_eq!(percent("1.4"), rate(14, 1));
        assert_eq!(percent("0.025"), rate(25, 3));
        assert_eq!(percent("100"), rate(100, 0));
        assert_eq!(percent("1.40000000"), rate(14, 1));
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "1e2",
            "100.1",
            "1.1234567",
            "1,4",
            "1 4",
            "1'4",
            "+1.4",
            "1.4-",
            "(1.4)",
            "1.4%",
            " 1.4",
            "\u{661}",
        ] {
            assert_eq!(percent(bad), None, "{bad:?}");
        }
    }
}
