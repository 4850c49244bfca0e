//! When runs are due: cron expressions on the wall clock, and the business dates they cover.
//!
//! An expression knows no zone. Its firings are moments of a wall clock, and each becomes exactly
//! one instant: an hour that the clock leaves out moves on by what was left out, and in an hour that
//! happens twice the first counts.

use crate::plugin::Point;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use std::cmp::Ordering;
use std::fmt;
use std::path::PathBuf;

/// A firing that is planned this late was not missed: hosts look at their schedules once a minute,
/// and a restart takes no longer.
pub const PUNCTUAL: SignedDuration = SignedDuration::from_mins(5);

/// Firings that are planned in one go; what is left follows at once.
const MOST_AT_ONCE: usize = 1_000;

/// A cron expression of five fields, or six with seconds first.
#[derive(Clone)]
pub struct Cron {
    text: String,
    cron: croner::Cron,
}

impl Cron {
    /// Reads an expression, or says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let example = "such as \"30 2 * * *\" for 02:30 every day";
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| format!("a cron expression of 5 or 6 fields, {example}: {error}"))?;
        let cron = Self {
            text: text.to_owned(),
            cron,
        };
        // A leap day comes within eight years.
        match cron.next(DateTime::constant(2026, 1, 1, 0, 0, 0, 0)) {
            Some(_) => Ok(cron),
            None => Err(format!("a day that comes, {example}: this one never fires")),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first firing after a moment; none where there is none any more.
    pub fn next(&self, after: DateTime) -> Option<DateTime> {
        let found = self.cron.find_next_occurrence(&Wall(after), false);
        found.ok().map(|wall| wall.0)
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

/// A moment of a wall clock, as the search for firings sees it: every one exists once.
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

/// Whether there is a zone of this name.
pub fn is_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// The one instant of a firing.
pub fn instant(zone: &TimeZone, wall: DateTime) -> Timestamp {
    let compatible = zone.to_ambiguous_zoned_datetime(wall).compatible();
    // Beyond the year 9999 there is no instant, and nothing is due.
    compatible.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// What is due of a schedule for one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Firings, each once, in the order of the wall clock.
    pub firings: Vec<DateTime>,
    /// Up to here everything was planned.
    pub planned_to: DateTime,
    /// When to look again; none where the schedule never fires any more.
    pub next: Option<Timestamp>,
}

/// What has become due between a mark and now.
///
/// A firing is due once the wall clock shows it or its instant has come. On the day on which an hour
/// is left out, its firings are found a little before their instants: whoever runs them waits for
/// [`instant`]. On the day on which an hour happens twice, none is found a second time, because the
/// mark never goes back.
pub fn due(
    cron: &Cron,
    zone: &TimeZone,
    catch_up: CatchUp,
    planned_to: DateTime,
    now: Timestamp,
) -> Due {
    let shown = zone.to_datetime(now);
    let mut due = Due {
        firings: Vec::new(),
        planned_to,
        next: None,
    };
    let mut missed = None;
    while let Some(wall) = cron.next(due.planned_to) {
        let at = instant(zone, wall);
        if wall > shown && at > now {
            due.next = Some(at);
            break;
        }
        due.planned_to = wall;
        let late = now.duration_since(at) > PUNCTUAL;
        match catch_up {
            _ if !late => due.firings.push(wall),
            CatchUp::All => due.firings.push(wall),
            CatchUp::Latest => missed = Some(wall),
            CatchUp::None => {}
        }
        if due.firings.len() == MOST_AT_ONCE {
            due.next = Some(now);
            break;
        }
    }
    if due.firings.is_empty() {
        due.firings.extend(missed);
    }
    due
}

/// Which firings happen that passed while no host was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// Each of them.
    All,
    /// The last of them, where none is due now.
    Latest,
    /// None of them.
    None,
}

impl CatchUp {
    /// The words in `retailer.toml`.
    pub const WORDS: [(&str, Self); 3] = [
        ("all", Self::All),
        ("latest", Self::Latest),
        ("none", Self::None),
    ];
}

/// Which business dates a run covers, seen from the day on which it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The day before.
    Yesterday,
    /// Monday to Sunday of the week before.
    LastWeek,
    /// The first of the month to the day itself.
    MonthToDate,
    /// The whole month before.
    LastMonth,
}

impl Span {
    /// The words in `retailer.toml`.
    pub const WORDS: [(&str, Self); 4] = [
        ("yesterday", Self::Yesterday),
        ("last-week", Self::LastWeek),
        ("month-to-date", Self::MonthToDate),
        ("last-month", Self::LastMonth),
    ];

    /// First and last business date, both included.
    pub fn dates(self, day: Date) -> (Date, Date) {
        match self {
            Self::Yesterday => {
                let before = day.saturating_sub(1.day());
                (before, before)
            }
            Self::LastWeek => {
                let since_monday = day.weekday().to_monday_zero_offset();
                let sunday = day.saturating_sub((i64::from(since_monday) + 1).days());
                (sunday.saturating_sub(6.days()), sunday)
            }
            Self::MonthToDate => (day.first_of_month(), day),
            Self::LastMonth => {
                let last = day.first_of_month().saturating_sub(1.day());
                (last.first_of_month(), last)
            }
        }
    }
}

/// For whom a schedule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// One run for each store that the slot serves.
    Store,
    /// One run over all stores.
    Retailer,
}

impl Per {
    /// The words in `retailer.toml`.
    pub const WORDS: [(&str, Self); 2] = [("store", Self::Store), ("retailer", Self::Retailer)];
}

/// A schedule of a retailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The retailer.
    pub retailer: String,
    /// Its name in `retailer.toml`.
    pub name: String,
    /// Where it stands, for messages.
    pub file: PathBuf,
    /// The slot that is run.
    pub slot: String,
    /// The point that is run; where none is said, the only one that the slot serves.
    pub point: Option<Point>,
    /// When it fires.
    pub at: Cron,
    /// The IANA name of the zone whose clock it goes by; none for each store's own.
    pub zone: Option<String>,
    /// For whom.
    pub per: Per,
    /// Over which business dates.
    pub span: Span,
    /// What is missed and still happens.
    pub catch_up: CatchUp,
    /// Attempts of a run before it is dead.
    pub tries: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ZONES: [&str; 6] = [
        "Europe/Madrid",
        "Europe/Copenhagen",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "America/Sao_Paulo",
    ];

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone")
    }

    fn cron(text: &str) -> Cron {
        Cron::parse(text).expect("an expression")
    }

    fn wall(text: &str) -> DateTime {
        text.parse().expect("a moment")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    /// Looks now and then through a year, and gathers every firing with the instant of the look.
    fn driven(cron: &Cron, zone: &TimeZone, steps: &[i64]) -> BTreeMap<DateTime, Vec<Timestamp>> {
        let (mut now, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let mut planned_to = zone.to_datetime(now);
        let mut seen: BTreeMap<DateTime, Vec<Timestamp>> = BTreeMap::new();
        for step in steps.iter().cycle() {
            now = now.checked_add(step.minutes()).expect("within a year");
            let due = due(cron, zone, CatchUp::All, planned_to, now);
            for firing in due.firings {
                seen.entry(firing).or_default().push(now);
            }
            planned_to = due.planned_to;
            if now > end {
                return seen;
            }
        }
        seen
    }

    #[test]
    fn every_moment_of_a_year_fires_once_in_every_zone() {
        for name in ZONES {
            let zone = zone(name);
            // Daily, hourly and every quarter of an hour, also where the clock jumps.
            for (text, minutes) in [
                ("30 2 * * *", 1440),
                ("0 * * * *", 60),
                ("*/15 * * * *", 15),
            ] {
                let seen = driven(&cron(text), &zone, &[1, 7, 15, 59, 61, 5, 180, 1500]);
                let twice: Vec<_> = seen.iter().filter(|(_, looks)| looks.len() != 1).collect();
                assert!(twice.is_empty(), "{name} {text}: {twice:?}");
                let moments: Vec<_> = seen.keys().copied().collect();
                for pair in moments.windows(2) {
                    let apart = pair[1].duration_since(pair[0]).as_mins();
                    assert_eq!(apart, minutes, "{name} {text}: {pair:?}");
                }
                assert!(
                    moments.len() >= 364 * 1440 / minutes as usize,
                    "{name} {text}"
                );
            }
        }
    }

    #[test]
    fn what_the_clock_leaves_out_moves_on() {
        let madrid = zone("Europe/Madrid");
        let half_past = instant(&madrid, wall("2026-03-29T02:30:00"));
        assert_eq!(half_past, at("2026-03-29T01:30:00Z"), "03:30 in summer");
        // Half an hour is left out there.
        let howe = zone("Australia/Lord_Howe");
        let quarter_past = instant(&howe, wall("2026-10-04T02:15:00"));
        assert_eq!(howe.to_datetime(quarter_past), wall("2026-10-04T02:45:00"));
    }

    #[test]
    fn an_hour_that_happens_twice_fires_the_first_time() {
        let new_york = zone("America/New_York");
        let half_past = instant(&new_york, wall("2026-11-01T01:30:00"));
        assert_eq!(half_past, at("2026-11-01T05:30:00Z"), "still summer");
        let daily = cron("30 1 * * *");
        let first = due(
            &daily,
            &new_york,
            CatchUp::All,
            wall("2026-10-31T01:30:00"),
            at("2026-11-01T05:30:00Z"),
        );
        assert_eq!(first.firings, [wall("2026-11-01T01:30:00")]);
        let again = due(
            &daily,
            &new_york,
            CatchUp::All,
            first.planned_to,
            at("2026-11-01T06:31:00Z"),
        );
        assert_eq!(again.firings, []);
        assert_eq!(again.next, Some(at("2026-11-02T06:30:00Z")));
    }

    #[test]
    fn three_days_down_are_caught_up_as_wished() {
        let (daily, kolkata) = (cron("0 6 * * *"), zone("Asia/Kolkata"));
        let late = |catch_up, now| {
            due(
                &daily,
                &kolkata,
                catch_up,
                wall("2026-11-20T06:00:00"),
                at(now),
            )
        };
        let noon = "2026-11-23T06:30:00Z";
        let days = |firings: &[DateTime]| firings.iter().map(|f| f.day()).collect::<Vec<_>>();
        assert_eq!(days(&late(CatchUp::All, noon).firings), [21, 22, 23]);
        assert_eq!(days(&late(CatchUp::Latest, noon).firings), [23]);
        assert!(late(CatchUp::None, noon).firings.is_empty());
        // What is due just now was not missed.
        let sharp = "2026-11-23T00:30:30Z";
        assert_eq!(days(&late(CatchUp::Latest, sharp).firings), [23]);
        assert_eq!(days(&late(CatchUp::None, sharp).firings), [23]);
        assert_eq!(
            late(CatchUp::None, noon).planned_to,
            wall("2026-11-23T06:00:00")
        );
    }

    #[test]
    fn long_absences_are_caught_up_in_pieces() {
        let (often, utc) = (cron("* * * * *"), TimeZone::UTC);
        let (mut planned_to, mut count) = (wall("2026-11-20T00:00:00"), 0);
        loop {
            let due = due(
                &often,
                &utc,
                CatchUp::All,
                planned_to,
                at("2026-11-23T00:00:00Z"),
            );
            assert!(due.firings.len() <= MOST_AT_ONCE);
            count += due.firings.len();
            planned_to = due.planned_to;
            if due.next > Some(at("2026-11-23T00:00:00Z")) {
                break;
            }
        }
        assert_eq!(count, 3 * 1440);
    }

    #[test]
    fn spans_are_whole_business_dates() {
        let dates = |span: Span, day: &str| {
            let (first, last) = span.dates(day.parse().expect("a date"));
            format!("{first} {last}")
        };
        assert_eq!(
            dates(Span::Yesterday, "2026-01-01"),
            "2025-12-31 2025-12-31"
        );
        assert_eq!(dates(Span::LastWeek, "2026-11-23"), "2026-11-16 2026-11-22");
        assert_eq!(dates(Span::LastWeek, "2026-11-29"), "2026-11-16 2026-11-22");
        assert_eq!(
            dates(Span::MonthToDate, "2026-11-24"),
            "2026-11-01 2026-11-24"
        );
        assert_eq!(
            dates(Span::LastMonth, "2026-03-31"),
            "2026-02-01 2026-02-28"
        );
    }

    #[test]
    fn what_is_no_expression_is_told() {
        let why = |text: &str| Cron::parse(text).expect_err("no expression");
        assert!(
            why("at noon").contains("5 or 6 fields"),
            "{}",
            why("at noon")
        );
        assert!(why("").contains("5 or 6 fields"));
        assert!(why("61 * * * *").contains("5 or 6 fields"));
        assert!(
            why("0 0 0 1 1 * 2026").contains("5 or 6 fields"),
            "{}",
            why("0 0 0 1 1 * 2026")
        );
        assert!(
            why("0 0 30 2 *").contains("never fires"),
            "{}",
            why("0 0 30 2 *")
        );
        assert!(Cron::parse("15 30 2 * * MON-FRI").is_ok());
        assert!(Cron::parse("0 0 29 2 *").is_ok(), "a leap day comes");
    }
}
