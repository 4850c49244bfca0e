//! `[schedules.NAME]` of `retailer.toml`: the plugin, the time, the stores and the business dates.
//!
//! Whether the plugin exports a point that runs over business dates is known once it is loaded.

use crate::checks::Checks;
use crate::raw::RawSchedule;
use crate::suggest;
use galleria_domain::schedule::{CatchUp, Cron, POINTS, Per, Schedule, Span};
use galleria_domain::zone as zones;
use std::collections::BTreeMap;
use std::path::Path;

/// The default of `tries`: five cover an outage of one night.
const TRIES: u32 = 5;
/// The maximum of `tries`. More would only delay the report to an operator.
const MOST_TRIES: u32 = 100;

/// Reads the schedules of a retailer. `slots` are the names of its plugins.
pub(crate) fn schedules(
    raw: BTreeMap<String, RawSchedule>,
    retailer: &str,
    file: &Path,
    slots: &[String],
    checks: &mut Checks,
) -> Vec<Schedule> {
    let mut reading = Reading {
        retailer,
        file,
        slots,
        checks,
    };
    raw.into_iter()
        .filter_map(|(name, raw)| reading.schedule(name, raw))
        .collect()
}

struct Reading<'a> {
    retailer: &'a str,
    file: &'a Path,
    slots: &'a [String],
    checks: &'a mut Checks,
}

impl Reading<'_> {
    fn schedule(&mut self, name: String, raw: RawSchedule) -> Option<Schedule> {
        let RawSchedule {
            plugin,
            point,
            at,
            zone,
            per,
            window,
            catch_up,
            tries,
        } = raw;
        let key = format!("schedules.{name}");
        let simple = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(simple) {
            // Marks in the database contain the name.
            self.checks.wrong(
                &key,
                "must have a name of lower-case letters, digits and '-'",
            );
        }
        let slot = self.slot(&format!("{key}.plugin"), plugin);
        let points = POINTS.map(|point| (point.name(), point));
        let point = match point {
            Some(text) => self
                .checks
                .word(&format!("{key}.point"), &text, &points)
                .map(Some),
            None => Some(None),
        };
        let at = self.cron(&format!("{key}.at"), at);
        let per = self.must(&format!("{key}.per"), per, &Per::WORDS);
        let span = self.must(&format!("{key}.window"), window, &Span::WORDS);
        let zone = self.zone(&format!("{key}.zone"), zone, per);
        let catch_up = match catch_up {
            Some(text) => self.must(&format!("{key}.catch_up"), Some(text), &CatchUp::WORDS),
            None => Some(CatchUp::Latest),
        };
        let tries = tries.unwrap_or(TRIES);
        if !(1..=MOST_TRIES).contains(&tries) {
            self.checks.wrong(
                format!("{key}.tries"),
                format!("must be an integer from 1 to {MOST_TRIES}"),
            );
        }
        Some(Schedule {
            retailer: self.retailer.to_owned(),
            name,
            file: self.file.to_owned(),
            slot: slot?,
            point: point?,
            at: at?,
            zone: zone?,
            per: per?,
            span: span?,
            catch_up: catch_up?,
            tries,
        })
    }

    fn slot(&mut self, key: &str, plugin: Option<String>) -> Option<String> {
        let known: Vec<&str> = self.slots.iter().map(String::as_str).collect();
        match plugin {
            Some(slot) if self.slots.contains(&slot) => Some(slot),
            Some(slot) => {
                let message = match known.as_slice() {
                    [] => "must be a plugin under [plugins]; this file has none".to_owned(),
                    known => format!(
                        "must be a plugin of this file, {}",
                        suggest::one_of(&slot, known)
                    ),
                };
                self.checks.wrong(key, message);
                None
            }
            None => {
                self.checks.wrong(
                    key,
                    "must be a plugin of this file, by its name under [plugins]",
                );
                None
            }
        }
    }

    fn cron(&mut self, key: &str, at: Option<String>) -> Option<Cron> {
        let read = match at {
            Some(text) => Cron::parse(&text),
            None => {
                Err("must be a cron expression, such as \"30 2 * * *\" for 02:30 every day".into())
            }
        };
        read.map_err(|message| self.checks.wrong(key, message)).ok()
    }

    /// Reads a word that must be set.
    fn must<T: Copy>(&mut self, key: &str, text: Option<String>, words: &[(&str, T)]) -> Option<T> {
        let Some(text) = text else {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.checks
                .wrong(key, format!("must be one of {}", known.join(", ")));
            return None;
        };
        self.checks.word(key, &text, words)
    }

    /// Reads the time zone. None means the zone of each store.
    fn zone(
        &mut self,
        key: &str,
        zone: Option<String>,
        per: Option<Per>,
    ) -> Option<Option<String>> {
        let message = match (zone.as_deref(), per) {
            (None | Some("store"), Some(Per::Retailer)) => {
                let name = "must be a time zone, such as Europe/Madrid";
                format!("{name}, because the retailer's stores have no common one")
            }
            (None | Some("store"), _) => return Some(None),
            (Some(name), _) => match (zones::parse(name), per) {
                (Ok(_), _) => return Some(zone),
                (Err(rule), Some(Per::Store)) => format!("{rule}, or `store`"),
                (Err(rule), _) => rule,
            },
        };
        self.checks.wrong(key, message);
        None
    }
}
