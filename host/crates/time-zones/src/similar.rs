//! Suggestions for rejected names.

use crate::names;

/// Similarity from which a name is suggested. `Europe/Madird` suggests `Europe/Madrid`; `Mars/Olympus`
/// suggests nothing.
const SIMILAR: f64 = 0.75;

/// The primary zones of names without a place, which the database contains as links.
const LINKS: [(&str, &[&str]); 33] = [
    ("Africa/Cairo", &["Egypt"]),
    ("Africa/Tripoli", &["Libya"]),
    ("America/Denver", &["Navajo"]),
    ("America/Havana", &["Cuba"]),
    ("America/Jamaica", &["Jamaica"]),
    ("America/Panama", &["EST"]),
    ("America/Phoenix", &["MST"]),
    ("Asia/Hong_Kong", &["Hongkong"]),
    ("Asia/Jerusalem", &["Israel"]),
    ("Asia/Seoul", &["ROK"]),
    ("Asia/Shanghai", &["PRC"]),
    ("Asia/Singapore", &["Singapore"]),
    ("Asia/Taipei", &["ROC"]),
    ("Asia/Tehran", &["Iran"]),
    ("Asia/Tokyo", &["Japan"]),
    ("Atlantic/Reykjavik", &["Iceland"]),
    ("Europe/Athens", &["EET"]),
    ("Europe/Brussels", &["CET", "MET"]),
    ("Europe/Dublin", &["Eire"]),
    ("Europe/Istanbul", &["Turkey"]),
    ("Europe/Lisbon", &["Portugal", "WET"]),
    ("Europe/London", &["GB", "GB-Eire"]),
    ("Europe/Moscow", &["W-SU"]),
    ("Europe/Warsaw", &["Poland"]),
    ("Pacific/Auckland", &["NZ"]),
    ("Pacific/Chatham", &["NZ-CHAT"]),
    ("Pacific/Honolulu", &["HST"]),
    ("Pacific/Kwajalein", &["Kwajalein"]),
    ("UTC", &["GMT", "GMT0", "GMT+0", "GMT-0", "Greenwich"]),
    ("UTC", &["UCT", "Universal", "Zulu"]),
    ("UTC", &["Etc/GMT", "Etc/GMT0", "Etc/GMT+0", "Etc/GMT-0"]),
    ("UTC", &["Etc/Greenwich", "Etc/UCT"]),
    ("UTC", &["Etc/Universal", "Etc/Zulu"]),
];

/// The accepted name that a rejected one most likely means: the same in another case, the zone that it links to,
/// or the name or place with the smallest edit distance.
pub fn name(rejected: &str) -> Option<&'static str> {
    let wanted = normal(rejected);
    if let Some(same) = names().find(|known| normal(known) == wanted) {
        return Some(same);
    }
    let rejected = rejected.trim();
    let links = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(rejected));
    if let Some((linked, _)) = LINKS.iter().find(|(_, names)| links(names)) {
        return Some(linked);
    }
    let similarity = |known: &str| {
        let known = normal(known);
        let place = known.rsplit('/').next().filter(|_| !wanted.contains('/'));
        strsim::normalized_damerau_levenshtein(&wanted, place.unwrap_or(&known))
    };
    names()
        .map(|known| (similarity(known), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}
