//! Plans the runs of schedules: one run for each firing and scope, which is a store or all stores.
//!
//! A mark stores the instant up to which a schedule was planned for a scope. Runs and mark are
//! written in one transaction. A new scope, or one whose expression changed, is planned from
//! now on, without the past.

use super::plan::{NewRun, point_of};
use crate::runs::Runs;
use crate::stores;
use galleria_domain::plugin::{ConfigError, Point};
use galleria_domain::schedule::{self, Firing, Per, Schedule, Span};
use galleria_domain::{Store, zone};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::{LoadedPlugin, Plugins};
use galleria_ports::records::{PlannedTo, RunRow, ScheduleMark};
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The approximate number of runs added in one transaction. Other writers wait for it.
const ROWS_AT_ONCE: usize = 1_000;

/// Checks the point of each schedule. This needs the components.
pub fn check(plugins: &dyn Plugins) -> Vec<ConfigError> {
    let mut mistakes = Vec::new();
    for plugin in plugins.all() {
        for schedule in &plugin.slot.schedules {
            if let Err(message) = point_of(&plugin, schedule.point) {
                let key = format!("schedules.{}.point", schedule.name);
                mistakes.push(ConfigError::new(&schedule.file, key, message));
            }
        }
    }
    mistakes
}

/// The scope of a schedule, and its clock.
struct Scope<'a> {
    /// Empty for all stores.
    store: String,
    zone: TimeZone,
    /// The stores whose business days count.
    stores: Vec<&'a Store>,
}

impl Scope<'_> {
    /// The business date of a firing. For a store it is the store's own date, whatever the clock of
    /// the schedule; for all stores together it is the date of that clock.
    fn day(&self, firing: Firing) -> Date {
        match self.stores.as_slice() {
            [store] if !self.store.is_empty() => {
                // The time of a skipped firing may be before the start of the day, and the end of the gap after it.
                let is_skipped = self.zone.to_datetime(firing.at) != firing.local;
                match is_skipped && zone::recorded(&store.zone) == self.zone {
                    true => store.business_date_of_local(firing.local),
                    false => store.business_date(firing.at),
                }
            }
            _ => firing.local.date(),
        }
    }

    /// The time at which a business date is over at every store of the scope.
    fn over(&self, date: Date) -> Option<Timestamp> {
        self.stores.iter().map(|store| store.day_over(date)).max()
    }
}

/// The planned runs of one scope.
struct Planned {
    mark: ScheduleMark,
    runs: Vec<RunRow>,
}

impl Runs {
    /// Adds the runs that are due. Returns the time of the next check.
    pub(super) async fn schedules_planned(&self) -> Result<Option<Timestamp>, Error> {
        let mut next = None;
        let mut stores: BTreeMap<String, Vec<Store>> = BTreeMap::new();
        for mut schedule in self.core.plugins.schedules() {
            let Some(plugin) = self.core.plugins.named(&schedule.retailer, &schedule.slot) else {
                continue;
            };
            let Ok(point) = point_of(&plugin, schedule.point) else {
                continue;
            };
            schedule.point = Some(point);
            if !stores.contains_key(&schedule.retailer) {
                let all = self.stores_of_retailer(&schedule.retailer).await?;
                stores.insert(schedule.retailer.clone(), all);
            }
            let known = stores.get(&schedule.retailer);
            let known = known.map_or(&[] as &[Store], Vec::as_slice);
            let scopes = scopes(&schedule, &plugin, known);
            let due = self.schedule_planned(&schedule, &scopes).await?;
            next = [next, due].into_iter().flatten().min();
        }
        Ok(next)
    }

    async fn schedule_planned(
        &self,
        schedule: &Schedule,
        scopes: &[Scope<'_>],
    ) -> Result<Option<Timestamp>, Error> {
        let (now, mut next) = (self.core.clock.now(), None);
        let mut marks = self.marks_of(schedule).await?;
        let mut planned = Vec::new();
        for scope in scopes {
            let mark = marks.remove(&scope.store);
            let (due, again) = plan(schedule, scope, mark, now);
            next = [next, again].into_iter().flatten().min();
            planned.extend(due);
            let rows: usize = planned
                .iter()
                .map(|planned: &Planned| planned.runs.len() + 1)
                .sum();
            if rows >= ROWS_AT_ONCE {
                self.planned_kept(schedule, std::mem::take(&mut planned))
                    .await?;
            }
        }
        self.planned_kept(schedule, planned).await?;
        self.marks_forgotten(schedule, marks.into_keys().collect())
            .await?;
        Ok(next)
    }

    async fn marks_of(&self, schedule: &Schedule) -> Result<BTreeMap<String, ScheduleMark>, Error> {
        let (retailer, name) = (schedule.retailer.clone(), schedule.name.clone());
        let marks = self
            .core
            .records
            .read(in_tx!(|tx, retailer, name| tx
                .schedule_mark_list(&retailer, &name)
                .await))
            .await?;
        let by_store = marks.into_iter().map(|mark| (mark.store_id.clone(), mark));
        Ok(by_store.collect())
    }

    async fn planned_kept(&self, schedule: &Schedule, planned: Vec<Planned>) -> Result<(), Error> {
        if planned.is_empty() {
            return Ok(());
        }
        let (retailer, name) = (schedule.retailer.clone(), schedule.name.clone());
        let planned = Arc::new(planned);
        self.core
            .records
            .write(in_tx!(|tx, retailer, name, planned| {
                for Planned { mark, runs } in planned.iter() {
                    for run in runs {
                        tx.run_insert(run).await?;
                    }
                    tx.schedule_mark_put(&retailer, &name, mark).await?;
                }
                Ok(())
            }))
            .await
    }

    /// Removes the marks of stores that the schedule no longer covers. If a store returns, it
    /// counts as new.
    async fn marks_forgotten(&self, schedule: &Schedule, stores: Vec<String>) -> Result<(), Error> {
        if stores.is_empty() {
            return Ok(());
        }
        let (retailer, name) = (schedule.retailer.clone(), schedule.name.clone());
        let stores = Arc::new(stores);
        self.core
            .records
            .write(in_tx!(|tx, retailer, name, stores| {
                for store in stores.iter() {
                    tx.schedule_mark_remove(&retailer, &name, store).await?;
                }
                Ok(())
            }))
            .await
    }

    /// The stores that a slot serves.
    pub(super) async fn stores_served(&self, plugin: &LoadedPlugin) -> Result<Vec<Store>, Error> {
        let mut stores = self.stores_of_retailer(&plugin.slot.retailer).await?;
        stores.retain(|store| plugin.slot.filter.covers(store));
        Ok(stores)
    }

    async fn stores_of_retailer(&self, retailer: &str) -> Result<Vec<Store>, Error> {
        let retailer = retailer.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, retailer| stores::all(tx, Some(&retailer)).await))
            .await
    }
}

fn scopes<'a>(schedule: &Schedule, plugin: &LoadedPlugin, stores: &'a [Store]) -> Vec<Scope<'a>> {
    let named = schedule.zone.as_deref();
    match schedule.per {
        Per::Retailer => {
            let served = stores
                .iter()
                .filter(|store| plugin.slot.filter.covers(store));
            vec![Scope {
                store: String::new(),
                zone: zone::recorded(named.unwrap_or("UTC")),
                stores: served.collect(),
            }]
        }
        Per::Store => stores
            .iter()
            .filter(|store| plugin.slot.filter.covers(store))
            .map(|store| Scope {
                store: store.id.clone(),
                zone: zone::recorded(named.unwrap_or(&store.zone)),
                stores: vec![store],
            })
            .collect(),
    }
}

/// The firings of a scope since its mark. `None` if there were none.
fn plan(
    schedule: &Schedule,
    scope: &Scope<'_>,
    mark: Option<ScheduleMark>,
    now: Timestamp,
) -> (Option<Planned>, Option<Timestamp>) {
    let known = mark.filter(|mark| mark.at == schedule.at.text());
    let new = known.is_none();
    let since = known.map_or(now, |mark| match mark.planned_to {
        PlannedTo::At(at) => at,
        PlannedTo::Local(local) => zone::reached(&scope.zone, local),
    });
    let due = schedule::due(&schedule.at, &scope.zone, schedule.catch_up, since, now);
    if !new && due.planned_to == since {
        return (None, due.next);
    }
    let runs = due.firings.iter();
    let runs = runs
        .map(|firing| run_of(schedule, scope, *firing, now))
        .collect();
    let mark = ScheduleMark {
        store_id: scope.store.clone(),
        at: schedule.at.text().to_owned(),
        planned_to: PlannedTo::At(due.planned_to),
    };
    (Some(Planned { mark, runs }), due.next)
}

fn run_of(schedule: &Schedule, scope: &Scope<'_>, firing: Firing, now: Timestamp) -> RunRow {
    let (first, last) = schedule.span.dates(scope.day(firing));
    let point = schedule.point.unwrap_or(Point::Report);
    // A window is one run: a run that began while a store still sells would count as the whole day.
    // A catalogue describes its instant, and a month to date contains what exists so far.
    let whole = point != Point::ExportCatalogue && schedule.span != Span::MonthToDate;
    let over = scope.over(last).filter(|_| whole);
    let new = NewRun {
        retailer: &schedule.retailer,
        slot: &schedule.slot,
        point,
        store: &scope.store,
        first,
        last,
        moment: (point == Point::ExportCatalogue).then(|| firing.at.to_string()),
        schedule: &schedule.name,
        tries: schedule.tries,
        due_at: over.map_or(firing.at, |over| over.max(firing.at)),
        now,
    };
    new.row()
}
