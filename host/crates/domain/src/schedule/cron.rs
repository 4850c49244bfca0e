//! Cron expressions on a wall clock without a time zone.

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use std::cmp::Ordering;
use std::fmt;

/// A cron expression of five fields, or six with seconds first.
#[derive(Clone)]
pub struct Cron {
    text: String,
    cron: croner::Cron,
}

impl Cron {
    /// Parses an expression; the error states the rule.
    pub fn parse(text: &str) -> Result<Self, String> {
        let example = "such as \"30 2 * * *\" for 02:30 every day";
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(text).map_err(|error| {
            format!("must be a cron expression of 5 or 6 fields, {example}: {error}")
        })?;
        let cron = Self {
            text: text.to_owned(),
            cron,
        };
        // The search covers a leap day, which occurs at least every eight years.
        match cron.next(DateTime::constant(2026, 1, 1, 0, 0, 0, 0)) {
            Some(_) => Ok(cron),
            None => Err(format!(
                "must fire at some time, {example}: this expression never fires"
            )),
        }
    }

    /// The text of the expression.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first firing after a local time; none if it never fires again.
    pub fn next(&self, after: DateTime) -> Option<DateTime> {
        let next = self.cron.find_next_occurrence(&Wall(after), false);
        next.ok().map(|wall| wall.0)
    }

    /// The first firing at or after a local time; none if it never fires again.
    pub fn from(&self, local: DateTime) -> Option<DateTime> {
        let next = self.cron.find_next_occurrence(&Wall(local), true);
        next.ok().map(|wall| wall.0)
    }

    /// Whether it fires in every hour of its days.
    pub fn fires_every_hour(&self) -> bool {
        self.cron.pattern.hours.values().len() == 24
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({:?})", self.text)
    }
}

/// A local time for the search of firings: every local time exists exactly once.
#[derive(Clone, Copy)]
struct Wall(DateTime);

impl CronDateTime for Wall {
    fn to_civil(&self) -> CivilDateTime {
        let wall = self.0;
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(
                wall.year().into(),
                wall.month().unsigned_abs().into(),
                wall.day().unsigned_abs().into(),
            ),
            CivilTime::from_parts_unchecked(
                wall.hour().unsigned_abs().into(),
                wall.minute().unsigned_abs().into(),
                wall.second().unsigned_abs().into(),
            ),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(days.unsigned_abs().into())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |number: u32| i8::try_from(number).map_err(|_| CronError::InvalidTime);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (hour, minute) = (part(civil.hour())?, part(civil.minute())?);
        let wall = DateTime::new(
            year,
            part(civil.month())?,
            part(civil.day())?,
            hour,
            minute,
            part(civil.second())?,
            0,
        );
        wall.map(|wall| Resolution::Single(Self(wall)))
            .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let moved = self.0.checked_add(SignedDuration::from_secs(seconds));
        moved.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
