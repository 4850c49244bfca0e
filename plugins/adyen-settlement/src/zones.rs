//! Offsets of the abbreviations in the column `TimeZone`.
//!
//! Abbreviations are not unique (CST, IST). This list contains those with one meaning in Adyen's time
//! zone settings. Settings define others; without an offset the line has only the day.

use std::collections::BTreeMap;

const ZONES: [(&str, &str); 13] = [
    ("UTC", "Z"),
    ("GMT", "Z"),
    ("WET", "Z"),
    ("BST", "+01:00"),
    ("WEST", "+01:00"),
    ("CET", "+01:00"),
    ("CEST", "+02:00"),
    ("EET", "+02:00"),
    ("EEST", "+03:00"),
    ("EST", "-05:00"),
    ("EDT", "-04:00"),
    ("PST", "-08:00"),
    ("PDT", "-07:00"),
];

/// Returns the offset, `None` if it is unknown. The offsets of the settings come first.
pub fn offset<'a>(zone: &str, more: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let own = more.get(zone).map(String::as_str);
    own.or_else(|| {
        let known = ZONES.iter().find(|(name, _)| *name == zone);
        known.map(|(_, offset)| *offset)
    })
}
