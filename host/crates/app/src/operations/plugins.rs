//! Lists the loaded slots, with their grants and recent faults.

use crate::operations::Operations;
use crate::rights::{RightsView, rights};
use galleria_domain::JsonText;
use galleria_domain::plugin::{Limits, Point, StoreFilter};
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::in_tx;
use galleria_ports::plugins::LoadedPlugin;
use galleria_ports::records::Tx;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The period in which faults are counted.
const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// The maximum number of counted faults of a slot, the newest first.
const COUNTED: u32 = 1_000;

/// The limits of a call or a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitsView {
    /// CPU time, milliseconds.
    pub cpu_ms: u64,
    /// Wall time, milliseconds.
    pub wall_ms: u64,
    /// All memories together, bytes.
    pub memory_bytes: u64,
    /// Size of everything that it decides or writes, bytes.
    pub output_bytes: u64,
    /// Documents, publications, requests and receipts of a decision together, or files of a run.
    pub items: u64,
    /// Notes, attributes and headers of a decision together, or sums of a run's totals.
    pub attributes: u64,
    /// Log lines, bytes.
    pub log_bytes: u64,
    /// Calls to the host.
    pub host_calls: u64,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FaultView {
    /// Time, RFC 3339.
    pub at: String,
    /// Its code, such as `trapped`.
    pub code: String,
}

/// The recent faults of a slot, from the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FaultsView {
    /// Start of the counted period, RFC 3339.
    pub since: String,
    /// Failed attempts by fault code.
    pub counts: BTreeMap<String, u64>,
    /// Whether there were more than 1,000; only the newest 1,000 are counted.
    pub more: bool,
    /// The newest fault.
    pub last: Option<FaultView>,
}

/// A slot of a retailer with its loaded plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PluginView {
    /// The retailer.
    pub retailer: String,
    /// The name in `retailer.toml`, which journal and dead letters show as subscriber.
    pub slot: String,
    /// The name in `plugin.toml`.
    pub plugin: String,
    /// Its version, if the SDK recorded it.
    pub version: Option<String>,
    /// The contract that it was built for, if the SDK recorded it.
    pub contract: Option<String>,
    /// The SDK that it was built with, if the SDK recorded it.
    pub sdk: Option<String>,
    /// SHA-256 digest of the component.
    pub digest: String,
    /// Size of the component, bytes.
    pub size: u64,
    /// The extension points that it exports.
    pub exports: Vec<String>,
    /// The capabilities that it imports.
    pub imports: Vec<String>,
    /// What `plugin.toml` asks for.
    pub asks: RightsView,
    /// What `retailer.toml` grants.
    pub granted: RightsView,
    /// The retailer's ids of the stores that it serves; empty means all.
    pub stores: Vec<String>,
    /// The countries that it serves; empty means all.
    pub countries: Vec<String>,
    /// The kinds of store that it serves; empty means all.
    pub store_types: Vec<String>,
    /// The limits of a call.
    pub call_limits: LimitsView,
    /// The limits of a run.
    pub run_limits: LimitsView,
    /// `hold` or `continue`: whether a dead letter keeps its lane closed.
    pub on_dead_letter: String,
    /// Its recent faults.
    pub faults: FaultsView,
}

/// A page of the list of plugins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PluginPage {
    /// Sorted by retailer and slot.
    pub plugins: Vec<PluginView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

impl Operations {
    /// Slots of whole retailers in reach, optionally of one retailer or with one point.
    pub async fn plugins(
        &self,
        reach: &Reach,
        retailer: Option<&str>,
        point: Option<Point>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<PluginPage, Error> {
        let mut slots: Vec<_> = self.core.plugins.all();
        slots.sort_by_key(cursor);
        slots.retain(|loaded| {
            let slot = &loaded.slot;
            reach.has_retailer(&slot.retailer)
                && retailer.is_none_or(|name| slot.retailer == name)
                && point.is_none_or(|point| loaded.inspection.exports.contains(&point))
                && after.is_none_or(|after| cursor(loaded).as_str() > after)
        });
        let more = slots.len() > limit as usize;
        slots.truncate(limit as usize);
        let next = slots.last().filter(|_| more).map(cursor);
        Ok(PluginPage {
            plugins: self.with_faults(slots).await?,
            next,
        })
    }

    /// A slot by its retailer and name.
    pub async fn plugin(&self, retailer: &str, slot: &str) -> Result<PluginView, Error> {
        let unknown = || Error::NotFound {
            what: "plugin",
            id: format!("{retailer}/{slot}"),
        };
        let loaded = self
            .core
            .plugins
            .named(retailer, slot)
            .ok_or_else(unknown)?;
        let mut one = self.with_faults(vec![loaded]).await?;
        one.pop().ok_or_else(unknown)
    }

    async fn with_faults(&self, slots: Vec<LoadedPlugin>) -> Result<Vec<PluginView>, Error> {
        let now = self.core.clock.now();
        let since = now.checked_sub(WINDOW).unwrap_or(Timestamp::UNIX_EPOCH);
        let slots: Arc<[LoadedPlugin]> = slots.into();
        self.core
            .records
            .read(in_tx!(|tx, slots| {
                let mut views = Vec::with_capacity(slots.len());
                for loaded in slots.iter() {
                    let faults = faults(tx, loaded, since).await?;
                    views.push(view(loaded, faults));
                }
                Ok(views)
            }))
            .await
    }
}

async fn faults(
    tx: &mut dyn Tx,
    loaded: &LoadedPlugin,
    since: Timestamp,
) -> Result<FaultsView, Error> {
    let slot = &loaded.slot;
    let mut newest = tx
        .fault_list(&slot.retailer, &slot.name, since, COUNTED + 1)
        .await?;
    let more = newest.len() > COUNTED as usize;
    newest.truncate(COUNTED as usize);
    let last = newest.first().map(|(at, code)| FaultView {
        at: at.to_string(),
        code: code.clone(),
    });
    let mut counts = BTreeMap::new();
    for (_, code) in newest {
        *counts.entry(code).or_default() += 1;
    }
    Ok(FaultsView {
        since: since.to_string(),
        counts,
        more,
        last,
    })
}

/// The cursor of a slot. Names of folders and slots contain no `/`.
fn cursor(loaded: &LoadedPlugin) -> String {
    format!("{}/{}", loaded.slot.retailer, loaded.slot.name)
}

fn view(loaded: &LoadedPlugin, faults: FaultsView) -> PluginView {
    let (slot, component) = (&loaded.slot, &loaded.inspection);
    let stamp = component.stamp.as_ref().map(JsonText::to_value);
    let stamp = stamp.unwrap_or_default();
    let stamped = |key: &str| stamp[key].as_str().map(ToOwned::to_owned);
    let StoreFilter {
        stores,
        countries,
        store_types,
    } = slot.filter.clone();
    PluginView {
        retailer: slot.retailer.clone(),
        slot: slot.name.clone(),
        plugin: slot.plugin.clone(),
        version: stamped("version"),
        contract: stamped("contract"),
        sdk: stamped("sdk"),
        digest: component.digest.to_string(),
        size: component.size,
        exports: component.exports.iter().map(ToString::to_string).collect(),
        imports: component.imports.iter().map(ToString::to_string).collect(),
        asks: rights(slot.asks.clone()),
        granted: rights(slot.rights()),
        stores: stores.into_iter().collect(),
        countries: countries.into_iter().collect(),
        store_types: store_types.into_iter().collect(),
        call_limits: limits(slot.call_limits),
        run_limits: limits(slot.run_limits),
        on_dead_letter: slot.on_dead_letter.to_string(),
        faults,
    }
}

fn limits(limits: Limits) -> LimitsView {
    let Limits {
        cpu_ms,
        wall_ms,
        memory_bytes,
        table_elements: _,
        output_bytes,
        items,
        attributes,
        log_bytes,
        host_calls,
    } = limits;
    LimitsView {
        cpu_ms,
        wall_ms,
        memory_bytes,
        output_bytes,
        items,
        attributes,
        log_bytes,
        host_calls,
    }
}
