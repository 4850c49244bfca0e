//! Examples of the runs of a schedule, for plugins that check their file names.

use super::{Cron, Firings, Schedule};
use crate::context::{RunSchedule, Window};
use crate::plugin::Point;
use crate::{Digest, zone};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use std::collections::BTreeSet;

/// Consecutive firings: they contain the closest ones, also of a schedule that fires on few days.
const CONSECUTIVE: usize = 100;
/// Days with their first firing, for names without the date.
const DAYS: i64 = 40;
/// The examples begin here, so that a check does not depend on the clock.
const BEGIN: Date = date(2026, 1, 1);
/// The zone of examples if each store has its own. Its clock changes as most do.
const SOME_ZONE: &str = "Europe/Madrid";

impl Schedule {
    /// The schedule with examples of its runs at a point.
    pub fn with_windows(&self, point: Point) -> RunSchedule {
        let zone = zone::recorded(self.zone.as_deref().unwrap_or(SOME_ZONE));
        let mut windows: Vec<Window> = Vec::new();
        for at in examples(&self.at, &zone) {
            let window = self.window(point, &zone, at);
            // The same window is the same run.
            if windows.iter().all(|known| known.id != window.id) {
                windows.push(window);
            }
        }
        RunSchedule {
            name: self.name.clone(),
            point: point.name().to_owned(),
            at: self.at.text().to_owned(),
            zone: self.zone.clone(),
            per_store: self.per == super::Per::Store,
            windows,
        }
    }

    fn window(&self, point: Point, zone: &TimeZone, at: Timestamp) -> Window {
        let local = at.to_zoned_datetime(zone.clone());
        let (first, last) = self.span.dates(local.date());
        // As for a run: a catalogue describes its instant.
        let moment = match point {
            Point::ExportCatalogue => at.to_string(),
            _ => String::new(),
        };
        let id = format!("{point}/{:?}/{first}/{last}/{moment}", self.per);
        Window {
            id: Digest::of(id.as_bytes()).as_str()[..32].to_owned(),
            first: first.to_string(),
            last: last.to_string(),
            as_of: local.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
            stores: 1,
        }
    }
}

/// Firings from 2026 on: consecutive ones, the first of each of some days, and those around the clock changes of two
/// years, which may repeat local times.
fn examples(cron: &Cron, zone: &TimeZone) -> BTreeSet<Timestamp> {
    let begin = zone::reached(zone, BEGIN.at(0, 0, 0, 0));
    let from = |after: Timestamp, count| {
        let firings = Firings::after(cron, zone, after - SignedDuration::from_nanos(1));
        firings.take(count).map(|firing| firing.at)
    };
    let mut examples: BTreeSet<Timestamp> = from(begin, CONSECUTIVE).collect();
    for day in 1..=DAYS {
        let day = BEGIN.saturating_add(day.days());
        examples.extend(from(zone::reached(zone, day.at(0, 0, 0, 0)), 1));
    }
    let end = zone::reached(zone, BEGIN.saturating_add(2.years()).at(0, 0, 0, 0));
    let hours = SignedDuration::from_hours(2);
    for change in zone.following(begin).map(|change| change.timestamp()) {
        if change > end {
            break;
        }
        let near = from(change - hours, CONSECUTIVE);
        examples.extend(near.filter(|at| *at < change + hours));
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::super::{CatchUp, Per, Span};
    use super::*;

    fn schedule(at: &str, zone: Option<&str>, span: Span) -> Schedule {
        Schedule {
            retailer: "r".into(),
            name: "n".into(),
            file: "retailer.toml".into(),
            slot: "s".into(),
            point: None,
            at: Cron::parse(at).expect("an expression"),
            zone: zone.map(str::to_owned),
            per: Per::Retailer,
            span,
            catch_up: CatchUp::Latest,
            tries: 5,
        }
    }

    #[test]
    fn a_catalogue_has_a_window_for_each_firing_and_a_report_for_each_date() {
        let twice = schedule("0 6,18 * * *", Some("Europe/Paris"), Span::Yesterday);
        let catalogue = twice.with_windows(Point::ExportCatalogue);
        assert_eq!(
            (&*catalogue.point, &*catalogue.at),
            ("export-catalogue", "0 6,18 * * *")
        );
        let first: Vec<_> = catalogue.windows[..3]
            .iter()
            .map(|window| (&*window.first, &*window.as_of))
            .collect();
        assert_eq!(
            first,
            [
                ("2025-12-31", "2026-01-01T06:00:00.000+01:00"),
                ("2025-12-31", "2026-01-01T18:00:00.000+01:00"),
                ("2026-01-01", "2026-01-02T06:00:00.000+01:00"),
            ]
        );
        let report = twice.with_windows(Point::Report);
        let dates: BTreeSet<_> = report.windows.iter().map(|window| &window.first).collect();
        assert_eq!(dates.len(), report.windows.len());
    }

    #[test]
    fn examples_contain_close_firings_and_repeated_local_times() {
        let rare =
            schedule("0 8,20 1 1 *", None, Span::LastMonth).with_windows(Point::ExportCatalogue);
        assert_eq!(rare.windows[0].last, rare.windows[1].last);
        let hourly = schedule("0 * * * *", Some("America/New_York"), Span::Yesterday);
        let hours = hourly.with_windows(Point::ExportCatalogue).windows;
        let one = hours
            .iter()
            .filter(|window| window.as_of.starts_with("2026-11-01T01:00"));
        assert_eq!(one.count(), 2);
        let seconds = schedule("* * * * * *", None, Span::Yesterday);
        let count = seconds.with_windows(Point::ExportCatalogue).windows.len();
        assert!((100..1_000).contains(&count), "{count}");
    }
}
