//! What operators see of retailers in the running processes.

use super::live_hosts;
use galleria_ports::Error;
use galleria_ports::plugins::LoadState;
use galleria_ports::records::{HostRow, LoadRow, ReloadRow, Tx};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A retailer in all running processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetailerView {
    /// The retailer.
    pub retailer: String,
    /// The number of reloads that were requested so far.
    pub generation: i64,
    /// Time of the last request, RFC 3339; null if there was none.
    pub requested_at: Option<String>,
    /// The running processes, by name. A process that ended without notice is listed for 20 seconds.
    pub processes: Vec<RetailerProcessView>,
}

/// How a process loaded a retailer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetailerProcessView {
    /// The name of the process.
    pub host: String,
    /// The generation that it has loaded. If it is less than that of the retailer, its reload has not finished.
    pub generation: i64,
    /// How it serves the retailer; null if it does not know it yet.
    pub state: Option<LoadState>,
    /// What to correct if the load failed: file, key and rule of each error, never a secret.
    pub errors: Vec<String>,
    /// Time of its last load, RFC 3339; null if it does not know the retailer yet.
    pub loaded_at: Option<String>,
}

/// A page of the list of retailers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetailerPage {
    /// Sorted by name.
    pub retailers: Vec<RetailerView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// A retailer whose last load failed in a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailedLoadView {
    /// The retailer.
    pub retailer: String,
    /// The name of the process.
    pub host: String,
    /// `out_of_service`: its events, runs and pickups wait. `reload_failed`: the process serves it with its previous
    /// configuration.
    pub state: LoadState,
    /// What to correct: file, key and rule of each error, never a secret.
    pub errors: Vec<String>,
    /// Time of the load, RFC 3339.
    pub at: String,
}

/// How the running processes loaded their retailers.
pub(crate) async fn live_loads(tx: &mut dyn Tx) -> Result<Vec<LoadRow>, Error> {
    let hosts = live_hosts(tx).await?.into_iter();
    let hosts: BTreeSet<String> = hosts.map(|host| host.name).collect();
    let mut loads = tx.load_list(None).await?;
    loads.retain(|row| hosts.contains(&row.host));
    Ok(loads)
}

/// The failed ones among loads.
pub(crate) fn failed_loads(loads: &[LoadRow]) -> Vec<FailedLoadView> {
    let failed = loads.iter().filter(|row| row.load.state.is_failed());
    let failed = failed.map(|row| FailedLoadView {
        retailer: row.load.retailer.clone(),
        host: row.host.clone(),
        state: row.load.state,
        errors: row.load.errors.clone(),
        at: row.at.to_string(),
    });
    failed.collect()
}

/// The retailers that a running process has loaded, or will load because of a request.
pub(super) async fn known(tx: &mut dyn Tx) -> Result<BTreeSet<String>, Error> {
    let (loads, hosts) = (live_loads(tx).await?, live_hosts(tx).await?);
    let mut requests = tx.reload_list().await?;
    requests.retain(|request| hosts.iter().any(|host| is_loading(host, request)));
    let loaded = loads.into_iter().map(|row| row.load.retailer);
    let requested = requests.into_iter().map(|request| request.retailer);
    Ok(loaded.chain(requested).collect())
}

/// Whether a process that has not loaded the retailer loads it because of the request. A process that started later
/// has found no folder.
fn is_loading(host: &HostRow, request: &ReloadRow) -> bool {
    request.recorded_at >= host.started_at
}

/// A retailer in all running processes.
pub(super) async fn view(tx: &mut dyn Tx, retailer: &str) -> Result<RetailerView, Error> {
    let request = tx.reload_get(retailer).await?;
    let mut loads = tx.load_list(Some(retailer)).await?;
    let hosts = live_hosts(tx).await?.into_iter();
    let processes = hosts.map(|host| {
        let at = loads.iter().position(|row| row.host == host.name);
        let row = at.map(|at| loads.swap_remove(at));
        RetailerProcessView {
            host: host.name,
            generation: row.as_ref().map_or(0, |row| row.generation),
            state: row.as_ref().map(|row| row.load.state),
            loaded_at: row.as_ref().map(|row| row.at.to_string()),
            errors: row.map(|row| row.load.errors).unwrap_or_default(),
        }
    });
    let processes = processes.collect();
    Ok(RetailerView {
        retailer: retailer.to_owned(),
        generation: request.as_ref().map_or(0, |request| request.generation),
        requested_at: request.map(|request| request.requested_at.to_string()),
        processes,
    })
}
