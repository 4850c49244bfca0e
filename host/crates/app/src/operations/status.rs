//! The status of the host: the log, what waits, and counts by store.

use super::Operations;
use super::metrics;
use crate::events::relay::rejections;
use crate::reloads::{FailedLoadView, failed_loads, live_hosts, live_loads};
use crate::stores::{self, InvalidStore};
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::files::UntakenFile;
use galleria_ports::in_tx;
use galleria_ports::plugins::{OutOfService, RetailerLoad};
use galleria_ports::records::{DocumentState, LoadRow, Tx};
use galleria_ports::tax::TaxUpstream;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Documents by state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentCounts {
    /// Pending or prepared, not yet delivered.
    pub pending: u64,
    /// Delivered under their names.
    pub delivered: u64,
    /// Blocked: another file has the name.
    pub blocked: u64,
}

/// The status of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoreStatus {
    /// The retailer.
    pub retailer: String,
    /// The store's id.
    pub store: String,
    /// The retailer's id of the store.
    pub external_id: String,
    /// Events of the store.
    pub events: u64,
    /// Documents delivered.
    pub documents: u64,
    /// CPU time of all attempts, microseconds.
    pub cpu_us: u64,
}

/// The progress of a consumer group, or of the relay of a topic to the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupStatus {
    /// Its name.
    pub group: String,
    /// Events in the log after its position, counted up to 100000.
    pub lag: u64,
}

/// An event that the broker rejects. Later events of its topic wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RejectedEvent {
    /// The event.
    pub event_id: String,
    /// Its topic.
    pub topic: String,
    /// The broker's reason.
    pub reason: String,
    /// Time of the first rejection, RFC 3339.
    pub since: String,
}

/// The status of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusView {
    /// Whether every event took effect, every document is delivered, and the broker, if any, has
    /// everything. Dead letters and the events behind them do not count: they wait for an operator.
    pub settled: bool,
    /// Events of all stores.
    pub events: u64,
    /// Consumer groups.
    pub groups: Vec<GroupStatus>,
    /// Parked events.
    pub parked: u64,
    /// Dead letters that keep their lane closed.
    pub held: u64,
    /// All dead letters.
    pub dead_letters: u64,
    /// Events that the broker rejects, which are dead letters too. The relay repeats its tries.
    pub rejected_events: Vec<RejectedEvent>,
    /// Documents by state.
    pub documents: DocumentCounts,
    /// Runs of reports, settlement files and catalogues, by state.
    pub runs: BTreeMap<String, u64>,
    /// Stores with events.
    pub stores: Vec<StoreStatus>,
    /// Fields of recorded stores that this version would reject, such as an unknown time zone. The stores keep working,
    /// with UTC instead of an unknown time zone, until their next change, which must correct them.
    pub invalid_stores: Vec<InvalidStore>,
    /// Retailers that are out of service in a running process, with what to correct. Their events, runs and pickups
    /// wait. A process that starts loads its retailers meanwhile: then the reason begins with `loading`. If no process
    /// runs, those whose files have errors; `galleria check` also finds the errors of components and settings.
    pub out_of_service: Vec<OutOfService>,
    /// The tax services that stores can select. Breaker and last failure are those of the process that responds.
    pub tax_services: Vec<TaxUpstream>,
    /// Retailers whose last load failed, in each running process. A retailer that served before serves on with its
    /// previous configuration.
    pub failed_loads: Vec<FailedLoadView>,
    /// Directories of documents by name.
    pub directories: BTreeMap<String, String>,
    /// Files in pickup directories that no pickup takes, with the reasons.
    pub untaken_files: Vec<UntakenFile>,
}

impl Operations {
    /// Checks that the database responds.
    pub async fn check_database(&self) -> Result<(), Error> {
        self.core
            .records
            .read(in_tx!(|tx| tx.store_get("").await.map(drop)))
            .await
    }

    /// Adds old rows to the totals that the status starts from. Call it every minute.
    pub async fn advance_totals(&self) -> Result<(), Error> {
        let now = self.core.clock.now();
        while self
            .core
            .records
            .write(in_tx!(|tx| tx.totals_advance(now).await))
            .await?
        {}
        Ok(())
    }

    /// The status of the host.
    pub async fn status(&self) -> Result<StatusView, Error> {
        let (readers, directories) = (self.events.readers(), Arc::clone(&self.policy));
        let untaken_files = self.untaken_files().await?;
        let own = self.core.plugins.out_of_service();
        let tax_services = self.tax_services();
        self.core
            .records
            .read(in_tx!(|tx,
                          readers,
                          directories,
                          untaken_files,
                          own,
                          tax_services| {
                let hosts = live_hosts(tx).await?;
                let loads = live_loads(tx).await?;
                let out_of_service = match hosts.is_empty() {
                    true => own,
                    false => out_of_service(&loads),
                };
                let lags = metrics::lags(tx, &readers).await?;
                let read = lags.iter().all(|(_, lag)| *lag == 0);
                let documents = DocumentCounts {
                    pending: tx.document_count(DocumentState::Pending).await?
                        + tx.document_count(DocumentState::Prepared).await?,
                    delivered: tx.document_count(DocumentState::Delivered).await?,
                    blocked: tx.document_count(DocumentState::Blocked).await?,
                };
                let (all, held) = tx.parked_count().await?;
                let rejected = rejections(tx, None).await?;
                let runs = metrics::runs(tx).await?;
                let known = stores::all(tx, None).await?;
                let stores = with_events(tx, &known).await?;
                let directories = directories.directories.iter();
                Ok(StatusView {
                    settled: read && documents.pending == 0 && all == held,
                    events: stores.iter().map(|store| store.events).sum(),
                    groups: lags
                        .into_iter()
                        .map(|(group, lag)| GroupStatus { group, lag })
                        .collect(),
                    parked: all - held,
                    held,
                    dead_letters: tx.dead_letter_count().await?,
                    rejected_events: rejected
                        .into_iter()
                        .map(|letter| RejectedEvent {
                            event_id: letter.event.id,
                            topic: letter.event.topic,
                            reason: letter.detail,
                            since: letter.died_at.to_string(),
                        })
                        .collect(),
                    documents,
                    runs: runs
                        .into_iter()
                        .map(|(state, count)| (state.name().to_owned(), count))
                        .collect(),
                    stores,
                    invalid_stores: stores::invalid(&known),
                    out_of_service,
                    tax_services,
                    failed_loads: failed_loads(&loads),
                    directories: directories
                        .map(|(name, path)| (name.clone(), path.display().to_string()))
                        .collect(),
                    untaken_files,
                })
            }))
            .await
    }

    /// The files in pickup directories that no pickup takes. Delivered documents are not included.
    pub async fn untaken_files(&self) -> Result<Vec<UntakenFile>, Error> {
        let Some(pickups) = self.pickups.clone() else {
            return Ok(Vec::new());
        };
        let files = tokio::task::spawn_blocking(move || pickups.untaken());
        let files = files
            .await
            .map_err(|error| Error::Internal(format!("listing pickup directories: {error}")))?;
        if files.is_empty() {
            return Ok(files);
        }
        self.core
            .records
            .read(in_tx!(|tx, files| {
                let mut untaken = Vec::new();
                for file in files {
                    let named = tx.document_has_name(&file.retailer, &file.directory, &file.file);
                    if !named.await? {
                        untaken.push(file);
                    }
                }
                Ok(untaken)
            }))
            .await
    }
}

/// The retailers that are out of service in one of the processes, with the errors of all of them.
fn out_of_service(loads: &[LoadRow]) -> Vec<OutOfService> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let rows = loads.iter().map(|row| &row.load);
    for OutOfService { retailer, errors } in rows.filter_map(RetailerLoad::out_of_service) {
        let known = all.entry(retailer).or_default();
        for error in errors {
            if !known.contains(&error) {
                known.push(error);
            }
        }
    }
    let one = |(retailer, errors)| OutOfService { retailer, errors };
    all.into_iter().map(one).collect()
}

async fn with_events(tx: &mut dyn Tx, known: &[Store]) -> Result<Vec<StoreStatus>, Error> {
    let by_id: HashMap<&str, &Store> = known.iter().map(|store| (&*store.id, store)).collect();
    let metrics = tx.store_metrics().await?;
    let found = metrics.into_iter().filter_map(|metrics| {
        let store = by_id.get(&*metrics.store_id)?;
        Some(StoreStatus {
            retailer: store.retailer.clone(),
            store: store.id.clone(),
            external_id: store.external_id.clone(),
            events: metrics.events,
            documents: metrics.documents,
            cpu_us: metrics.cpu_us,
        })
    });
    Ok(found.collect())
}
