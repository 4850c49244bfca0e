//! Dates and instants of the contract: parsing, formatting and arithmetic.
//!
//! The host has applied the time zone: an instant carries the store's offset at that moment, so only
//! calendar arithmetic remains. A time library would make a guest larger than all its other code. Files are
//! different: [`DateFormat`] knows the time zone of an account.

mod clock;
mod format;
mod zone;

use crate::fault::BadValue;
use std::fmt;

pub use format::DateFormat;

/// A day, such as a business date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// A moment, with the offset that it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instant {
    /// The day at that offset.
    pub date: Date,
    /// 0 to 23, at that offset.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999.
    pub millisecond: u16,
    /// Minutes east of UTC.
    pub offset_minutes: i16,
}

const DAY_MS: i64 = 86_400_000;

impl Date {
    /// Parses `2026-11-24`.
    ///
    /// ```
    /// use galleria_sdk::Date;
    ///
    /// let date = Date::parse("2026-11-24")?;
    /// assert_eq!(date.compact(), "20261124");
    /// assert!(Date::parse("2026-02-29").is_err());
    /// # Ok::<(), galleria_sdk::BadValue>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        Self::read(text.as_bytes()).ok_or_else(|| {
            BadValue::new(
                "date",
                ["`", text, "` is not a date such as 2026-11-24"].concat(),
            )
        })
    }

    fn read(text: &[u8]) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
            return None;
        };
        let year = u16::from(two(*y1, *y2)?) * 100 + u16::from(two(*y3, *y4)?);
        let (month, day) = (two(*m1, *m2)?, two(*d1, *d2)?);
        let date = Self { year, month, day };
        (Self::of_days(date.days()) == Some(date)).then_some(date)
    }

    /// Formats as `20261124`.
    pub fn compact(self) -> String {
        let mut text = Vec::with_capacity(8);
        self.push(&mut text, b"");
        ascii(text)
    }

    /// Adds days, or subtracts them. Fails outside the years 0 to 9999.
    pub fn plus_days(self, days: i32) -> Result<Self, BadValue> {
        Self::of_days(self.days() + i64::from(days))
            .ok_or_else(|| BadValue::new("date", "is beyond the year 9999"))
    }

    /// Returns the days since 1970-01-01, in the Gregorian calendar.
    pub fn days(self) -> i64 {
        // Years start in March, so that a leap day is the last day of its year.
        let shifted = i64::from(self.month <= 2);
        let year = i64::from(self.year) - shifted;
        let month = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
    }

    /// Returns the date of a number of days since 1970-01-01.
    fn of_days(days: i64) -> Option<Self> {
        let days = days + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = u16::try_from(era * 400 + year + i64::from(month <= 2)).ok()?;
        (year <= 9999).then_some(Self {
            year,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
        })
    }

    fn push(self, out: &mut Vec<u8>, between: &[u8]) {
        let (century, rest) = (self.year / 100, self.year % 100);
        // Both are below 100.
        push_two(out, century as u8);
        push_two(out, rest as u8);
        out.extend_from_slice(between);
        push_two(out, self.month);
        out.extend_from_slice(between);
        push_two(out, self.day);
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(10);
        self.push(&mut text, b"-");
        f.write_str(&ascii(text))
    }
}

impl Instant {
    /// Parses RFC 3339 with at most milliseconds: `2026-03-29T01:59:00.000+01:00`, or with `Z`.
    ///
    /// ```
    /// use galleria_sdk::Instant;
    ///
    /// let at = Instant::parse("2026-03-29T01:59:00.000+01:00")?;
    /// assert_eq!(at.to_utc().to_string(), "2026-03-29T00:59:00.000Z");
    /// assert_eq!(at.format("%Y%m%d-%H%M%S")?, "20260329-015900");
    /// # Ok::<(), galleria_sdk::BadValue>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        Self::read(text.as_bytes()).ok_or_else(|| {
            let message = [
                "`",
                text,
                "` is not an instant such as 2026-11-24T18:03:07.000+01:00",
            ];
            BadValue::new("instant", message.concat())
        })
    }

    fn read(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let [b'T', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = rest else {
            return None;
        };
        let (millisecond, zone) = match rest {
            [b'.', a, b, c, zone @ ..] => (
                u16::from(two(b'0', *a)?) * 100 + u16::from(two(*b, *c)?),
                zone,
            ),
            zone => (0, zone),
        };
        let offset_minutes = match zone {
            [b'Z'] => 0,
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
                let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
                let offset = i16::from(hours) * 60 + i16::from(minutes);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                if *sign == b'-' { -offset } else { offset }
            }
            _ => return None,
        };
        let (hour, minute, second) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
        (hour <= 23 && minute <= 59 && second <= 59).then_some(Self {
            date: Date::read(date)?,
            hour,
            minute,
            second,
            millisecond,
            offset_minutes,
        })
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_ms(self) -> i64 {
        let minutes =
            i64::from(self.hour) * 60 + i64::from(self.minute) - i64::from(self.offset_minutes);
        self.date.days() * DAY_MS
            + minutes * 60_000
            + i64::from(self.second) * 1000
            + i64::from(self.millisecond)
    }

    /// Returns the same moment in UTC. If its day would be outside the years 0 to 9999, the instant
    /// is unchanged.
    pub fn to_utc(self) -> Self {
        let minute_of_day =
            i64::from(self.hour) * 60 + i64::from(self.minute) - i64::from(self.offset_minutes);
        let days = self.date.days() + minute_of_day.div_euclid(1440);
        let Some(date) = Date::of_days(days) else {
            return self;
        };
        let minute_of_day = minute_of_day.rem_euclid(1440);
        Self {
            date,
            // Below 24 and 60.
            hour: (minute_of_day / 60) as u8,
            minute: (minute_of_day % 60) as u8,
            offset_minutes: 0,
            ..self
        }
    }

    /// Formats without the offset: `2026-03-29T01:59:00`.
    pub fn local(self) -> String {
        let mut text = Vec::with_capacity(19);
        self.push_local(&mut text);
        ascii(text)
    }

    /// Formats by a pattern of `%Y %m %d %H %M %S %L` (milliseconds), `%y` (two digits of the
    /// year), `%z` (offset) and `%%`. All other characters are copied.
    pub fn format(self, pattern: &str) -> Result<String, BadValue> {
        let mut out = String::with_capacity(pattern.len() + 8);
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                out.push(letter);
                continue;
            }
            let mut piece = Vec::with_capacity(6);
            match letters.next() {
                Some('Y') => {
                    push_two(&mut piece, (self.date.year / 100) as u8);
                    push_two(&mut piece, (self.date.year % 100) as u8);
                }
                Some('y') => push_two(&mut piece, (self.date.year % 100) as u8),
                Some('m') => push_two(&mut piece, self.date.month),
                Some('d') => push_two(&mut piece, self.date.day),
                Some('H') => push_two(&mut piece, self.hour),
                Some('M') => push_two(&mut piece, self.minute),
                Some('S') => push_two(&mut piece, self.second),
                Some('L') => push_three(&mut piece, self.millisecond),
                Some('z') => self.push_offset(&mut piece),
                Some('%') => piece.push(b'%'),
                _ => {
                    let message = "knows %Y %y %m %d %H %M %S %L %z and %% only";
                    return Err(BadValue::new("pattern", message));
                }
            }
            out.push_str(&ascii(piece));
        }
        Ok(out)
    }

    fn push_local(self, out: &mut Vec<u8>) {
        self.date.push(out, b"-");
        for (before, part) in [(b'T', self.hour), (b':', self.minute), (b':', self.second)] {
            out.push(before);
            push_two(out, part);
        }
    }

    fn push_offset(self, out: &mut Vec<u8>) {
        let minutes = self.offset_minutes.unsigned_abs();
        out.push(if self.offset_minutes < 0 { b'-' } else { b'+' });
        // An offset is shorter than a day.
        push_two(out, (minutes / 60) as u8);
        out.push(b':');
        push_two(out, (minutes % 60) as u8);
    }
}

impl fmt::Display for Instant {
    /// Formats as in the contract, with `Z` for the offset zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(29);
        self.push_local(&mut text);
        text.push(b'.');
        push_three(&mut text, self.millisecond);
        match self.offset_minutes {
            0 => text.push(b'Z'),
            _ => self.push_offset(&mut text),
        }
        f.write_str(&ascii(text))
    }
}

fn two(tens: u8, ones: u8) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + ones - b'0')
}

/// A number below 100.
fn push_two(out: &mut Vec<u8>, number: u8) {
    out.extend_from_slice(&[b'0' + number / 10 % 10, b'0' + number % 10]);
}

/// A number below 1000.
fn push_three(out: &mut Vec<u8>, number: u16) {
    out.push(b'0' + (number / 100 % 10) as u8);
    push_two(out, (number % 100) as u8);
}

fn ascii(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
