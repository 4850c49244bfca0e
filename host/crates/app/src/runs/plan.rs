//! Validates the point, slot, scope and window of a run, and derives its id.

use crate::runs::POINTS;
use crate::runs::Runs;
use galleria_domain::plugin::Point;
use galleria_domain::{Digest, Store};
use galleria_ports::Error;
use galleria_ports::plugins::LoadedPlugin;
use galleria_ports::records::{RunRow, RunState};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// The tries of a run that was requested manually.
const TRIES_BY_HAND: u32 = 3;

/// The scope and window of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The retailer.
    #[cfg_attr(feature = "openapi", schema(example = "my-retailer"))]
    pub retailer: String,
    /// The slot, by its name in `retailer.toml`.
    #[cfg_attr(feature = "openapi", schema(example = "daily-sales"))]
    pub plugin: String,
    /// `report`, `write-settlement` or `export-catalogue`; required if the plugin serves several.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>,
        pattern = "^(report|write-settlement|export-catalogue)$"))]
    pub point: Option<Point>,
    /// One store, by the host's id; all stores of the retailer if it is absent.
    #[serde(default)]
    pub store: Option<String>,
    /// The first business date.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub first: Date,
    /// The last business date, included.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub last: Date,
}

/// A run to add.
pub(super) struct NewRun<'a> {
    pub retailer: &'a str,
    pub slot: &'a str,
    pub point: Point,
    /// Empty for all stores.
    pub store: &'a str,
    pub first: Date,
    pub last: Date,
    /// The instant of a scheduled catalogue. A catalogue describes an instant, and a day may have
    /// several.
    pub moment: Option<String>,
    pub schedule: &'a str,
    pub tries: u32,
    pub due_at: Timestamp,
    pub now: Timestamp,
}

impl NewRun<'_> {
    pub fn id(&self) -> String {
        let scope = if self.store.is_empty() {
            "*"
        } else {
            self.store
        };
        let mut text = format!(
            "{}/{}/{}/{scope}/{}/{}",
            self.point, self.retailer, self.slot, self.first, self.last
        );
        if let Some(moment) = &self.moment {
            text = format!("{text}/{moment}");
        }
        Digest::of(text.as_bytes()).as_str()[..32].to_owned()
    }

    pub fn row(&self) -> RunRow {
        RunRow {
            serial: 0,
            id: self.id(),
            retailer: self.retailer.to_owned(),
            subscriber: self.slot.to_owned(),
            point: self.point,
            store_id: self.store.to_owned(),
            first: self.first.to_string(),
            last: self.last.to_string(),
            schedule: self.schedule.to_owned(),
            state: RunState::Due,
            attempts: 0,
            tries: self.tries,
            due_at: self.due_at,
            as_of: None,
            since: None,
            stores: 0,
            progress: 0,
            rows: 0,
            sums: Vec::new(),
            files: Vec::new(),
            code: None,
            detail: None,
            created_at: self.now,
            begun_at: None,
            ended_at: None,
        }
    }
}

/// The requested point, or a message with the valid points.
pub(super) fn point_of(plugin: &LoadedPlugin, wanted: Option<Point>) -> Result<Point, String> {
    let serves = |point: &Point| plugin.inspection.exports.contains(point);
    let served: Vec<_> = POINTS.into_iter().filter(serves).collect();
    let names: Vec<_> = served.iter().map(|point| point.name()).collect();
    match (wanted, served.as_slice()) {
        (_, []) => Err(format!(
            "{} serves no point that is run over a window",
            plugin.slot.plugin
        )),
        (Some(point), _) if served.contains(&point) => Ok(point),
        (Some(_), _) => Err(format!(
            "must be a point that {} serves: {}",
            plugin.slot.plugin,
            names.join(", ")
        )),
        (None, [one]) => Ok(*one),
        (None, _) => Err(format!(
            "is required, because {} serves several: {}",
            plugin.slot.plugin,
            names.join(", ")
        )),
    }
}

/// Rejects a window that is not over at every store. A window is one run: an early run would
/// replace the one of the whole day, and the scheduled run would never be created.
fn over(last: Date, stores: &[Store], now: Timestamp) -> Result<(), Error> {
    let (today, at) = stores
        .iter()
        .map(|store| (store.business_date(now), store.id.as_str()))
        .min()
        .unwrap_or_else(|| (TimeZone::UTC.to_datetime(now).date(), ""));
    if last < today {
        return Ok(());
    }
    let place = match at {
        "" => "in UTC".to_owned(),
        store => format!("at store {store}"),
    };
    Err(Error::invalid(
        "last",
        format!("must be a business date that is over everywhere: it is {today} {place}"),
    ))
}

impl Runs {
    /// The requested run, as it is added if it does not exist.
    pub(super) async fn run_planned(&self, request: &RunRequest) -> Result<RunRow, Error> {
        if request.last < request.first {
            return Err(Error::invalid("last", "must not be before the first day"));
        }
        self.core.check_in_service(&request.retailer)?;
        let plugin = self.core.plugins.named(&request.retailer, &request.plugin);
        let plugin = plugin.ok_or_else(|| Error::NotFound {
            what: "plugin",
            id: format!("{} of retailer {}", request.plugin, request.retailer),
        })?;
        let point = point_of(&plugin, request.point).map_err(|why| Error::invalid("point", why))?;
        let store = match &request.store {
            Some(id) => Some(self.core.store(id).await?),
            None => None,
        };
        let strange = |store: &Store| store.retailer != request.retailer;
        if store.as_ref().is_some_and(strange) {
            return Err(Error::invalid("store", "must be a store of the retailer"));
        }
        let served = |store: &Store| plugin.slot.filter.covers(store);
        if store.as_ref().is_some_and(|store| !served(store)) {
            let why = format!("must be a store that {} serves", request.plugin);
            return Err(Error::invalid("store", why));
        }
        let now = self.core.clock.now();
        if point != Point::ExportCatalogue {
            let stores = match store {
                Some(store) => vec![store],
                None => self.stores_served(&plugin).await?,
            };
            over(request.last, &stores, now)?;
        }
        let new = NewRun {
            retailer: &request.retailer,
            slot: &request.plugin,
            point,
            store: request.store.as_deref().unwrap_or_default(),
            first: request.first,
            last: request.last,
            moment: None,
            schedule: "",
            tries: TRIES_BY_HAND,
            due_at: now,
            now,
        };
        Ok(new.row())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn store(id: &str, zone: &str, day_starts_minute: u16) -> Store {
        Store {
            id: id.into(),
            external_id: id.into(),
            retailer: "r".into(),
            store_type: "scan-and-go".into(),
            country: "ES".into(),
            currency: "EUR".into(),
            minor_digits: 2,
            zone: zone.into(),
            day_starts_minute,
            cash_step: None,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn a_window_is_over_when_its_last_day_has_ended_at_every_store() {
        let now: Timestamp = "2026-11-24T03:30:00Z".parse().expect("an instant");
        let (madrid, night) = (
            store("m", "Europe/Madrid", 0),
            store("n", "Europe/Madrid", 300),
        );
        let lima = store("l", "America/Lima", 0);
        let until = |stores: &[Store], day| over(date(2026, 11, day), stores, now).is_ok();
        assert!(until(std::slice::from_ref(&madrid), 23) && until(&[], 23));
        assert!(!until(std::slice::from_ref(&madrid), 24) && !until(&[], 24));
        // 04:30 is before the start of the day, and in Lima it is the evening before.
        assert!(until(std::slice::from_ref(&night), 22) && !until(&[night], 23));
        assert!(!until(&[madrid.clone(), lima.clone()], 23));
        let refused = over(date(2026, 11, 23), &[madrid, lima], now).expect_err("refused");
        assert!(
            refused.chain().contains("2026-11-23 at store l"),
            "{}",
            refused.chain()
        );
    }
}
