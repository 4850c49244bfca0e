//! The format of days in a file: a pattern, a window for two-digit years, and the account's time zone.

use super::Date;
use super::clock::{Clock, clock};
use super::zone::AccountZone;
use crate::Problem;
use crate::fault::BadValue;
use crate::problems::quoted;
use std::ops::RangeInclusive;

/// The rule for patterns, for messages.
const RULE: &str = "must have dd or d, mm or m, and yyyy or yy, once each, such as dd/mm/yyyy; another character than a digit must follow d and m";

/// The years that a day in a file can have, which include those of every `pivot_year`. Other years are typing errors
/// or placeholders.
const YEARS: RangeInclusive<u16> = 1900..=2199;

/// How a file writes days.
///
/// The pattern contains the day (`dd`, or `d` without a leading zero), the month (`mm` or `m`) and the year (`yyyy` or
/// `yy`), in any order; all other characters must match. The year must be from 1900 to 2199. A time may follow the day.
/// If it has an offset from UTC, the day is that of the account's time zone; otherwise it is the day as written.
///
/// ```
/// use galleria_sdk::{Date, DateFormat, Fault};
///
/// let format = DateFormat::in_zone("d/m/yy", Some(2000), Some("Europe/Madrid"));
/// let format = format.map_err(Fault::Misconfigured)?;
/// let day = Date::parse("2026-02-03")?;
/// assert_eq!(format.read("3/2/26")?, day);
/// assert_eq!(format.read("03/02/26 23:30")?, day);
/// assert_eq!(format.read("2/2/26 23:30:00Z")?, day);
/// assert!(format.read("31/2/26").is_err());
/// # Ok::<(), galleria_sdk::Fault>(())
/// ```
#[derive(Clone, Debug)]
pub struct DateFormat {
    pattern: String,
    parts: Vec<Part>,
    /// The first year that two digits can mean.
    pivot: u16,
    zone: Option<AccountZone>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Day { digits: (usize, usize) },
    Month { digits: (usize, usize) },
    Year { digits: (usize, usize) },
    Literal(char),
}

impl DateFormat {
    /// Checks the settings `date` and `pivot_year`, and returns all their problems.
    ///
    /// `pivot_year` is the first of the hundred years that two digits can mean.
    pub fn new(pattern: &str, pivot_year: Option<u16>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let parts = parts(pattern);
        match &parts {
            None => problems.push(Problem::new("date", RULE)),
            Some(parts) => {
                let two = parts.contains(&Part::Year { digits: (2, 2) });
                let pivot = match (two, pivot_year) {
                    (true, None) => Some(
                        "is required by yy in date: the first of the hundred years that two digits can mean, such as 2000",
                    ),
                    (false, Some(_)) => Some("is only for yy in date: remove it"),
                    (_, Some(year)) if !(1900..=2100).contains(&year) => {
                        Some("must be a year from 1900 to 2100")
                    }
                    _ => None,
                };
                problems.extend(pivot.map(|message| Problem::new("pivot_year", message)));
            }
        }
        match problems.is_empty() {
            true => Ok(Self {
                pattern: pattern.to_owned(),
                parts: parts.unwrap_or_default(),
                pivot: pivot_year.unwrap_or(0),
                zone: None,
            }),
            false => Err(problems),
        }
    }

    /// Checks the setting `time_zone` as well: a name such as `Europe/Madrid`. Only a plugin that calls this contains
    /// the time zone database.
    pub fn in_zone(
        pattern: &str,
        pivot_year: Option<u16>,
        time_zone: Option<&str>,
    ) -> Result<Self, Vec<Problem>> {
        let format = Self::new(pattern, pivot_year);
        match time_zone.map(AccountZone::find).transpose() {
            Ok(zone) => format.map(|format| Self { zone, ..format }),
            Err(message) => {
                let mut problems = format.err().unwrap_or_default();
                problems.push(Problem::new("time_zone", message));
                Err(problems)
            }
        }
    }

    /// Reads a day.
    pub fn read(&self, text: &str) -> Result<Date, BadValue> {
        let (date, clock) = self.parse(text)?;
        let Some(Clock {
            seconds,
            offset: Some(offset),
        }) = clock
        else {
            return Ok(date);
        };
        let Some(zone) = &self.zone else {
            let message = [
                &*quoted(text),
                " has an offset from UTC: set `time_zone` to the account's time zone, where the day may be another",
            ];
            return Err(BadValue::new("date", message.concat()));
        };
        let instant = date.days() * 86_400 + seconds - offset;
        let local = zone.offset_at(instant).map(|offset| instant + offset);
        let date = local.and_then(|local| Date::of_days(local.div_euclid(86_400)));
        date.ok_or_else(|| {
            let message = [&*quoted(text), " is outside the years of the calendar"].concat();
            BadValue::new("date", message)
        })
    }

    /// Reads a day and the time after it, as `18:03:07`, both as written. It is for files that state their time zone
    /// in another place, so an offset from UTC is rejected.
    pub fn read_local(&self, text: &str) -> Result<(Date, Option<String>), BadValue> {
        let (date, clock) = self.parse(text)?;
        let Some(Clock { seconds, offset }) = clock else {
            return Ok((date, None));
        };
        if offset.is_some() {
            let message = [
                &*quoted(text),
                " has an offset from UTC: a column or a setting states the time zone, so the time must not",
            ];
            return Err(BadValue::new("date", message.concat()));
        }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let time = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
        Ok((date, Some(time)))
    }

    fn parse(&self, text: &str) -> Result<(Date, Option<Clock>), BadValue> {
        let bad = |reason: &str| {
            let message = [
                &*quoted(text),
                " is not a date in the form ",
                &self.pattern,
                reason,
            ];
            BadValue::new("date", message.concat())
        };
        let (date, rest) = self.day(text).ok_or_else(|| bad(""))?;
        if !YEARS.contains(&date.year) {
            let (first, last) = (YEARS.start(), YEARS.end());
            return Err(bad(&format!(" with a year from {first} to {last}")));
        }
        match (date, rest) {
            (date, "") => Ok((date, None)),
            (date, rest) => {
                let reason =
                    ", with or without a time such as 18:03:07 or 18:03:07+01:00 behind it";
                let clock = clock(rest).ok_or_else(|| bad(reason))?;
                Ok((date, Some(clock)))
            }
        }
    }

    /// Reads the day by the pattern, and returns the text after it.
    fn day<'t>(&self, text: &'t str) -> Option<(Date, &'t str)> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for part in &self.parts {
            let (digits, value) = match part {
                Part::Literal(letter) => {
                    rest = rest.strip_prefix(*letter)?;
                    continue;
                }
                Part::Day { digits } => (digits, &mut day),
                Part::Month { digits } => (digits, &mut month),
                Part::Year { digits } => (digits, &mut year),
            };
            let found = rest
                .bytes()
                .take(digits.1)
                .take_while(u8::is_ascii_digit)
                .count();
            let number;
            (number, rest) = rest.split_at_checked(found).filter(|_| found >= digits.0)?;
            *value = number.parse::<u16>().ok()?;
        }
        if self.pivot > 0 {
            // The year of the window that ends with these digits.
            let after = (year + 100 - self.pivot % 100) % 100;
            year = self.pivot + after;
        }
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        let date = Date { year, month, day };
        (Date::of_days(date.days()) == Some(date)).then_some((date, rest))
    }
}

/// Parses a pattern; `None` if it does not describe a day.
fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if !matches!(letter, 'd' | 'm' | 'y') {
            rest = &rest[letter.len_utf8()..];
            parts.push(Part::Literal(letter));
            continue;
        }
        let count = rest
            .bytes()
            .take_while(|byte| char::from(*byte) == letter)
            .count();
        rest = &rest[count..];
        parts.push(match (letter, count) {
            ('d', 1) => Part::Day { digits: (1, 2) },
            ('d', 2) => Part::Day { digits: (2, 2) },
            ('m', 1) => Part::Month { digits: (1, 2) },
            ('m', 2) => Part::Month { digits: (2, 2) },
            ('y', 2) => Part::Year { digits: (2, 2) },
            ('y', 4) => Part::Year { digits: (4, 4) },
            _ => return None,
        });
    }
    let count = |is: fn(&Part) -> bool| parts.iter().filter(|part| is(part)).count();
    let once = count(|part| matches!(part, Part::Day { .. })) == 1
        && count(|part| matches!(part, Part::Month { .. })) == 1
        && count(|part| matches!(part, Part::Year { .. })) == 1;
    let open = |part: &Part| {
        matches!(
            part,
            Part::Day { digits: (1, _) } | Part::Month { digits: (1, _) }
        )
    };
    let ends = |part: &Part| matches!(part, Part::Literal(letter) if !letter.is_ascii_digit());
    let clear = parts
        .windows(2)
        .all(|pair| !open(&pair[0]) || ends(&pair[1]));
    (once && clear).then_some(parts)
}

#[cfg(test)]
mod tests;
