//! Stores: the shops of retailers.

use crate::basket::Attribute;
use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A store as the host records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The host's id of the store.
    pub id: String,
    /// The retailer's id of the store, which is written to documents.
    pub external_id: String,
    /// The retailer's name, which is its folder under `retailers/`.
    pub retailer: String,
    /// The platform's type of store, such as `scan-and-go`.
    pub store_type: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    /// Digits after the decimal mark of the currency.
    #[cfg_attr(feature = "openapi", schema(maximum = 255))]
    pub minor_digits: u8,
    /// IANA name of the time zone.
    pub zone: String,
    /// Minutes after midnight at which the business day starts: an earlier sale belongs to the day before.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 1439))]
    pub day_starts_minute: u16,
    /// Further named values.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

impl Store {
    /// The problems of the store's fields.
    pub fn problems(&self) -> Vec<crate::Problem> {
        let mut problems = Vec::new();
        let mut check = |is_valid: bool, field: &str, message: &str| {
            if !is_valid {
                problems.push(crate::Problem::new(field, message));
            }
        };
        let is_capitals = |text: &str, len| {
            text.len() == len && text.bytes().all(|byte| byte.is_ascii_uppercase())
        };
        check(
            crate::names::is_id(&self.id),
            "id",
            "must have 1 to 64 characters: letters, digits, '-', '_', '.' and ':'",
        );
        // The path `/v1/stores/import` is the import of stores.
        check(self.id != "import", "id", "must not be \"import\"");
        check(
            crate::names::is_id(&self.external_id),
            "external_id",
            "must have 1 to 64 characters: letters, digits, '-', '_', '.' and ':'",
        );
        check(
            crate::names::is_id(&self.retailer),
            "retailer",
            "must be the name of a folder under retailers/",
        );
        check(
            is_capitals(&self.country, 2),
            "country",
            "must be two capital letters (ISO 3166-1 alpha-2)",
        );
        check(
            is_capitals(&self.currency, 3),
            "currency",
            "must be three capital letters (ISO 4217)",
        );
        check(self.minor_digits <= 4, "minor_digits", "must be 0 to 4");
        check(
            self.day_starts_minute < 1440,
            "day_starts_minute",
            "must be 0 to 1439",
        );
        check(
            TimeZone::get(&self.zone).is_ok(),
            "zone",
            "must be an IANA time zone, such as Europe/Madrid",
        );
        problems
    }

    fn time_zone(&self) -> TimeZone {
        // The zone was checked when the store was accepted. If the time zone database has lost it, use UTC.
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// Formats an instant for the contract: RFC 3339 with milliseconds and the store's offset.
    pub fn local_text(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.time_zone())
            .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
            .to_string()
    }

    /// The business date of an instant.
    pub fn business_date(&self, at: Timestamp) -> civil::Date {
        let local = at.to_zoned_datetime(self.time_zone());
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        if minute < i32::from(self.day_starts_minute) {
            local.date().yesterday().unwrap_or(local.date())
        } else {
            local.date()
        }
    }

    /// The first instant after which no instant has this business date. If the local time occurs twice, the
    /// second occurrence; if it is skipped, the instant after the gap.
    pub fn day_over(&self, date: civil::Date) -> Timestamp {
        let (hour, minute) = (self.day_starts_minute / 60, self.day_starts_minute % 60);
        let time = i8::try_from(hour).ok().zip(i8::try_from(minute).ok());
        let (hour, minute) = time.unwrap_or((0, 0));
        let end = date.tomorrow().unwrap_or(date).at(hour, minute, 0, 0);
        let end = self.time_zone().to_ambiguous_timestamp(end).later();
        // An error is possible only after the year 9999: such a day never ends.
        end.unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(day_starts_minute: u16) -> Store {
        Store {
            id: "s1".into(),
            external_id: "0042".into(),
            retailer: "example".into(),
            store_type: "scan-and-go".into(),
            country: "ES".into(),
            currency: "EUR".into(),
            minor_digits: 2,
            zone: "Europe/Madrid".into(),
            day_starts_minute,
            attributes: vec![],
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn the_repeated_hour_keeps_its_offset() {
        assert_eq!(
            store(0).local_text(at("2026-10-25T00:30:00Z")),
            "2026-10-25T02:30:00.000+02:00"
        );
        assert_eq!(
            store(0).local_text(at("2026-10-25T01:30:00Z")),
            "2026-10-25T02:30:00.000+01:00"
        );
    }

    #[test]
    fn a_sale_after_midnight_belongs_to_the_day_before() {
        let late = at("2026-11-24T01:30:00Z"); // 02:30 in Madrid
        assert_eq!(store(0).business_date(late).to_string(), "2026-11-24");
        assert_eq!(store(240).business_date(late).to_string(), "2026-11-23");
    }

    #[test]
    fn a_day_ends_after_its_last_instant_even_if_clocks_change() {
        // Clocks go forward on the 29th of March and back on the 25th of October.
        for day_starts_minute in [0, 150, 240] {
            let store = store(day_starts_minute);
            for day in ["2026-03-28", "2026-07-01", "2026-10-24", "2026-10-25"] {
                let day: civil::Date = day.parse().expect("a date");
                let over = store.day_over(day);
                let last = over - jiff::SignedDuration::from_secs(1);
                assert!(store.business_date(over) > day, "{day_starts_minute} {day}");
                let later =
                    (0..12 * 60).map(|minute| over + jiff::SignedDuration::from_mins(minute));
                for later in later {
                    assert!(store.business_date(later) > day, "{later}");
                }
                // In March 02:30 does not exist: the day ends up to half an hour late.
                let skipped = (day_starts_minute, day.month()) == (150, 3);
                assert_eq!(
                    store.business_date(last) == day,
                    !skipped,
                    "{day_starts_minute} {day}"
                );
            }
        }
    }

    #[test]
    fn problems_name_the_field() {
        let mut bad = store(0);
        bad.zone = "Mars/Olympus".into();
        bad.currency = "euro".into();
        bad.id = "import".into();
        let fields: Vec<_> = bad.problems().into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["id", "currency", "zone"]);
    }
}
