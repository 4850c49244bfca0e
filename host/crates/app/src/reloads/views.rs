//! What operators see of retailers in the running processes.

use super::alive_since;
use galleria_ports::Error;
use galleria_ports::plugins::LoadState;
use galleria_ports::records::{LoadRow, Tx};
use jiff::Timestamp;
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
    /// How it serves the retailer; null if it has not loaded it yet.
    pub state: Option<LoadState>,
    /// What to correct if the load failed: file, key and rule of each error, never a secret.
    pub errors: Vec<String>,
    /// Time of its last load, RFC 3339; null if it has not loaded it yet.
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
pub(crate) async fn live_loads(tx: &mut dyn Tx, now: Timestamp) -> Result<Vec<LoadRow>, Error> {
    let hosts: BTreeSet<String> = tx.host_list(alive_since(now)).await?.into_iter().collect();
    let mut loads = tx.load_list(None).await?;
    loads.retain(|row| hosts.contains(&row.host));
    Ok(loads)
}

/// The failed ones among loads.
pub(crate) fn failed_loads(loads: &[LoadRow]) -> Vec<FailedLoadView> {
    let failed = loads
        .iter()
        .filter(|row| row.load.state != LoadState::Serving);
    let failed = failed.map(|row| FailedLoadView {
        retailer: row.load.retailer.clone(),
        host: row.host.clone(),
        state: row.load.state,
        errors: row.load.errors.clone(),
        at: row.at.to_string(),
    });
    failed.collect()
}

/// A retailer in all running processes.
pub(super) async fn view(
    tx: &mut dyn Tx,
    retailer: &str,
    now: Timestamp,
) -> Result<RetailerView, Error> {
    let request = tx.reload_get(retailer).await?;
    let mut loads = tx.load_list(Some(retailer)).await?;
    let hosts = tx.host_list(alive_since(now)).await?.into_iter();
    let processes = hosts.map(|host| {
        let at = loads.iter().position(|row| row.host == host);
        let row = at.map(|at| loads.swap_remove(at));
        RetailerProcessView {
            host,
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
