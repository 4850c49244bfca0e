//! Stores: the shops of retailers.

use crate::basket::Attribute;
use crate::cash;
use crate::number::{Decimal, Money};
use crate::zone;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
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
    /// IANA name of the time zone, of the form `Area/Place`, or `UTC`.
    pub zone: String,
    /// Minutes after midnight at which the business day starts: an earlier sale belongs to the day before. If a clock
    /// change repeats this time, the day starts at the first occurrence; if it skips it, at the end of the gap.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 1439))]
    pub day_starts_minute: u16,
    /// The smallest cash amount in major units, such as `0.05`; if absent, that of the currency.
    // A stored store without it stays readable by hosts that do not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash_step: Option<Decimal>,
    /// Further named values.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

impl Store {
    /// The smallest cash amount in minor units: refunds in cash are multiples of it.
    pub fn cash_step_in_minor(&self) -> Money {
        cash::step_in_minor(self.cash_step, &self.currency, self.minor_digits)
    }

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
            self.cash_step
                .is_none_or(|step| cash::is_step(step, self.minor_digits)),
            "cash_step",
            "must be greater than 0 and at most 1000000, such as 0.05, with no more digits than the currency",
        );
        check(
            self.day_starts_minute < 1440,
            "day_starts_minute",
            "must be 0 to 1439",
        );
        let zone = zone::parse(&self.zone);
        problems.extend(zone.err().map(|rule| crate::Problem::new("zone", rule)));
        problems
    }

    fn time_zone(&self) -> TimeZone {
        zone::recorded(&self.zone)
    }

    /// Formats an instant for the contract: RFC 3339 with milliseconds and the store's offset.
    pub fn local_text(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.time_zone())
            .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
            .to_string()
    }

    /// The business date of an instant: the latest date whose [first instant](Self::day_begins) is not after it.
    pub fn business_date(&self, at: Timestamp) -> civil::Date {
        let zone = self.time_zone();
        let local = zone.to_datetime(at).date();
        // After clocks went back, the local date may be one day behind.
        let latest = local.tomorrow().into_iter().chain([local]);
        latest
            .filter(|date| self.day_begins_in(&zone, *date) <= at)
            .max()
            .unwrap_or_else(|| local.yesterday().unwrap_or(local))
    }

    /// The business date of a local time, also of one that a clock change skips or repeats.
    pub fn business_date_of_local(&self, local: civil::DateTime) -> civil::Date {
        if local.time() < self.day_starts() {
            local.date().yesterday().unwrap_or(local.date())
        } else {
            local.date()
        }
    }

    /// The instant at which a business date begins: the first at which the local clock has reached the start of
    /// the day. If that time is repeated, its first occurrence; if it is skipped, the end of the gap. A date that
    /// the zone skips begins together with the next.
    pub fn day_begins(&self, date: civil::Date) -> Timestamp {
        self.day_begins_in(&self.time_zone(), date)
    }

    fn day_begins_in(&self, zone: &TimeZone, date: civil::Date) -> Timestamp {
        zone::reached(zone, date.to_datetime(self.day_starts()))
    }

    /// The first instant after which no instant has this business date.
    pub fn day_over(&self, date: civil::Date) -> Timestamp {
        // After the year 9999, a day never ends.
        date.tomorrow()
            .map_or(Timestamp::MAX, |next| self.day_begins(next))
    }

    fn day_starts(&self) -> civil::Time {
        let (hour, minute) = (self.day_starts_minute / 60, self.day_starts_minute % 60);
        let time = i8::try_from(hour).ok().zip(i8::try_from(minute).ok());
        let time = time.and_then(|(hour, minute)| civil::Time::new(hour, minute, 0, 0).ok());
        time.unwrap_or(civil::Time::midnight())
    }
}

#[cfg(test)]
mod business_dates;

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn store(day_starts_minute: u16) -> Store {
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
            cash_step: None,
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
    fn problems_name_the_field() {
        let mut bad = store(0);
        bad.zone = "Mars/Olympus".into();
        bad.currency = "euro".into();
        bad.id = "import".into();
        let fields: Vec<_> = bad.problems().into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["id", "currency", "zone"]);
    }
}
