//! Time zones of accounts. The host knows the zones of stores; a file needs the zone of the provider's account.

use std::fmt;

/// A zone of the IANA database.
#[derive(Clone)]
pub(super) struct AccountZone {
    name: String,
    zone: tz::TimeZone,
}

impl AccountZone {
    /// Finds a zone by its name. The error states the rule, and a similar name.
    pub fn find(name: &str) -> Result<Self, String> {
        let data = galleria_time_zones::find(name)?;
        let zone = tz::TimeZone::from_tz_data(data).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            zone,
        })
    }

    /// Returns the seconds east of UTC at a moment.
    pub fn offset_at(&self, unix_seconds: i64) -> Option<i64> {
        let kind = self.zone.find_local_time_type(unix_seconds);
        kind.ok().map(|kind| kind.ut_offset().into())
    }
}

impl fmt::Debug for AccountZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
