//! Reads the gauges that describe the database.

use crate::events::Group;
use crate::operations::Operations;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::metrics::{
    BUILD, DEAD, DEAD_AGE, DOCUMENT_AGE, DOCUMENTS, HELD, LAG, PARKED, PARKED_AGE, RUNS, UNFINISHED,
};
use galleria_ports::plugins::LoadState;
use galleria_ports::records::{Backlog, DocumentState, RunState, Tx};
use jiff::Timestamp;
use metrics::gauge;
use std::collections::BTreeMap;

/// The label of records without a known retailer.
const NOBODYS: &str = "none";

/// The limit of counting lag: larger values make no difference to an operator.
const LAG_COUNTED: u32 = 100_000;

/// The counts and times that the gauges show.
struct DatabaseGauges {
    lags: Vec<(String, u64)>,
    retailers: Vec<String>,
    parked: Vec<Backlog>,
    held: u64,
    dead: Vec<Backlog>,
    waiting: u64,
    blocked: u64,
    undelivered: Option<Timestamp>,
    runs: Vec<(RunState, u64)>,
    unfinished: usize,
}

impl Operations {
    /// Reads the gauges from the database.
    pub async fn measure(&self) -> Result<(), Error> {
        gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
        for retailer in self.core.plugins.retailers() {
            let is_out_of_service = self.core.plugins.is_unavailable(&retailer);
            galleria_ports::metrics::out_of_service(retailer, is_out_of_service);
        }
        for service in self.tax_services() {
            galleria_ports::metrics::tax_breaker(service.route, service.breaker);
        }
        for load in self.core.plugins.loads() {
            let is_failed = load.state == LoadState::ReloadFailed;
            galleria_ports::metrics::reload_failed(load.retailer, is_failed);
        }
        let DatabaseGauges {
            lags,
            retailers,
            parked,
            held,
            dead,
            waiting,
            blocked,
            undelivered,
            runs,
            unfinished,
        } = self.database_gauges().await?;
        let now = self.core.clock.now();
        for (group, lag) in lags {
            let of_group = parked.iter().filter(|one| one.group == group);
            let oldest = of_group.map(|one| one.oldest).min();
            gauge!(PARKED_AGE, "group" => group.clone()).set(age(oldest, now));
            gauge!(LAG, "group" => group).set(number(lag));
        }
        for (name, piled) in [(PARKED, &parked), (DEAD, &dead)] {
            for (retailer, count) in by_retailer(&retailers, piled) {
                gauge!(name, "retailer" => retailer).set(number(count));
            }
        }
        gauge!(HELD).set(number(held));
        gauge!(DEAD_AGE).set(age(dead.iter().map(|one| one.oldest).min(), now));
        gauge!(DOCUMENT_AGE).set(age(undelivered, now));
        gauge!(DOCUMENTS, "state" => "waiting").set(number(waiting));
        gauge!(DOCUMENTS, "state" => "blocked").set(number(blocked));
        for (state, count) in runs {
            gauge!(RUNS, "state" => state.name()).set(number(count));
        }
        gauge!(UNFINISHED).set(number(unfinished as u64));
        Ok(())
    }

    async fn database_gauges(&self) -> Result<DatabaseGauges, Error> {
        let readers = self.events.readers();
        self.core
            .records
            .read(in_tx!(|tx, readers| {
                let (_, held) = tx.parked_count().await?;
                Ok(DatabaseGauges {
                    lags: lags(tx, &readers).await?,
                    retailers: tx.retailer_list().await?,
                    parked: tx.parked_backlog().await?,
                    held,
                    dead: tx.dead_letter_backlog().await?,
                    waiting: tx.document_count(DocumentState::Pending).await?
                        + tx.document_count(DocumentState::Prepared).await?,
                    blocked: tx.document_count(DocumentState::Blocked).await?,
                    undelivered: tx.document_oldest_undelivered().await?,
                    runs: runs(tx).await?,
                    unfinished: tx.statement_list_unfinished().await?.len(),
                })
            }))
            .await
    }
}

/// The number of events that each group has not read.
pub(crate) async fn lags(tx: &mut dyn Tx, groups: &[Group]) -> Result<Vec<(String, u64)>, Error> {
    let mut lags = Vec::new();
    for group in groups {
        let after = tx.position_get(&group.name).await?;
        let topics = group.topics();
        let lag = tx.event_lag(&topics, after, LAG_COUNTED).await?;
        lags.push((group.name.clone(), lag));
    }
    Ok(lags)
}

/// The number of runs by state.
pub(crate) async fn runs(tx: &mut dyn Tx) -> Result<Vec<(RunState, u64)>, Error> {
    let mut runs = Vec::new();
    for state in RunState::ALL {
        runs.push((*state, tx.run_count(*state).await?));
    }
    Ok(runs)
}

/// Counts by retailer. Retailers without any count as 0, because a gauge keeps its last value.
fn by_retailer(retailers: &[String], piled: &[Backlog]) -> BTreeMap<String, u64> {
    let nobodys = std::iter::once(NOBODYS.to_owned());
    let all = retailers.iter().cloned().chain(nobodys);
    let mut counts: BTreeMap<_, _> = all.map(|name| (name, 0)).collect();
    for one in piled {
        let name = one.retailer.as_deref().unwrap_or(NOBODYS);
        *counts.entry(name.to_owned()).or_default() += one.count;
    }
    counts
}

/// The age of the oldest record in seconds; 0 without one, or if the clock of another host is
/// ahead.
fn age(oldest: Option<Timestamp>, now: Timestamp) -> f64 {
    let seconds = oldest.map(|at| now.as_second() - at.as_second());
    number(
        seconds
            .and_then(|age| u64::try_from(age).ok())
            .unwrap_or_default(),
    )
}

/// Prometheus has only floating-point numbers, which represent these counts exactly.
fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retailer_without_entries_has_the_value_zero() {
        let piled = |retailer: Option<&str>, count| Backlog {
            group: String::new(),
            retailer: retailer.map(str::to_owned),
            count,
            oldest: Timestamp::UNIX_EPOCH,
        };
        let piled = [piled(Some("a"), 2), piled(None, 1), piled(Some("a"), 3)];
        let counts = by_retailer(&["a".to_owned(), "b".to_owned()], &piled);
        let lines = counts.iter().map(|(name, count)| format!("{name} {count}"));
        assert_eq!(lines.collect::<Vec<_>>(), ["a 5", "b 0", "none 1"]);
    }

    #[test]
    fn nothing_is_older_than_it_is() {
        let now = Timestamp::UNIX_EPOCH;
        let at = |second| Timestamp::from_second(second).ok();
        let ages = [at(-90), at(30), None].map(|oldest| age(oldest, now));
        assert_eq!(ages, [90.0, 0.0, 0.0]);
    }
}
