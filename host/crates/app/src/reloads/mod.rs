//! Loads retailers again without a restart.
//!
//! A request increments the retailer's generation in the database. Every process polls the generations, loads the
//! retailer from its files, and records the result. So one request reaches all processes, whatever their roles, and
//! none needs the address of another.

mod views;

pub use views::{FailedLoadView, RetailerPage, RetailerProcessView, RetailerView};
pub(crate) use views::{failed_loads, live_loads};

use crate::core::{Core, IdempotencyKey, Reply};
use crate::events::Acting;
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::in_tx;
use galleria_ports::plugins::{LoadState, RetailerLoad};
use galleria_ports::records::{HostRow, LoadRow, OperationRow, ReloadRow, Tx};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use views::{known, view};

/// How often a process renews its row.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);

/// A process that did not renew its row for this time does not run.
const ALIVE: Duration = Duration::from_secs(20);

/// When the row of a process that does not run is removed.
const FORGOTTEN: Duration = Duration::from_secs(3_600);

/// The maximum number of errors of a load that are recorded; the log has all of them.
const MAX_ERRORS: usize = 50;

/// The running processes.
pub(crate) async fn live_hosts(tx: &mut dyn Tx) -> Result<Vec<HostRow>, Error> {
    tx.host_list(ALIVE).await
}

/// Requests reloads, and records how each process has loaded its retailers. Cheap to clone.
#[derive(Clone)]
pub struct Reloads {
    core: Core,
}

/// How a process loaded a retailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The generation of the request that it followed; 0 if there was none.
    pub generation: i64,
    /// The result.
    pub load: RetailerLoad,
    /// When it was loaded.
    pub at: Timestamp,
}

/// What a process that starts has loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The generation of each retailer that was requested: that of the latest request, or the one before if the process
    /// may have read the files before the request.
    pub followed: BTreeMap<String, i64>,
    /// Its loads.
    pub loaded: Vec<Loaded>,
}

impl Reloads {
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }

    /// Requests that all processes load a retailer again. The retailer must have a folder; it may be new.
    pub async fn request(
        &self,
        key: IdempotencyKey,
        retailer: &str,
        acting: Acting,
    ) -> Result<Reply, Error> {
        acting.check()?;
        if let Err(error) = self.check_folder(retailer).await {
            return self.core.answered_or(key, error).await;
        }
        let (now, retailer) = (self.core.clock.now(), retailer.to_owned());
        let reply = self
            .core
            .once(
                key,
                202,
                in_tx!(|tx, retailer, acting| {
                    let generation = tx.reload_request(&retailer, now).await?;
                    let row = operation(&retailer, generation, &acting, now);
                    tx.operation_insert(&row).await?;
                    let view = view(tx, &retailer).await?;
                    serde_json::to_value(view)
                        .map_err(|error| Error::Internal(format!("a retailer's view: {error}")))
                }),
            )
            .await;
        self.core.reload_wanted.notify();
        reply
    }

    /// Returns an error unless the retailer has a folder now.
    async fn check_folder(&self, retailer: &str) -> Result<(), Error> {
        let (plugins, name) = (self.core.plugins.clone(), retailer.to_owned());
        let has_folder = tokio::task::spawn_blocking(move || plugins.has_folder(&name));
        let has_folder = has_folder.await.map_err(|error| {
            Error::Internal(format!("reading the folder of retailers: {error}"))
        })?;
        if has_folder? {
            return Ok(());
        }
        self.core.check_retailer(retailer).await?;
        Err(Error::Conflict {
            code: "retailer_folder_missing",
            message: format!(
                "retailer {retailer} has no folder in the directory `retailers` of host.toml: restore it; a process \
                 without it serves on with its previous configuration, and its next start removes the retailer"
            ),
        })
    }

    /// A retailer in all running processes. It may be new: requested, and not loaded by any process yet.
    pub async fn retailer(&self, retailer: &str) -> Result<RetailerView, Error> {
        let name = retailer.to_owned();
        let found = self.core.records.read(in_tx!(|tx, name| {
            let known = known(tx).await?.contains(&name);
            Ok((known, view(tx, &name).await?))
        }));
        let (known, found) = found.await?;
        if !known {
            self.core.check_retailer(retailer).await?;
        }
        Ok(found)
    }

    /// The retailers in reach that this process knows, or another one has loaded or will load, by name.
    pub async fn retailers(
        &self,
        reach: &Reach,
        after: Option<&str>,
        limit: u32,
    ) -> Result<RetailerPage, Error> {
        let own = self.core.plugins.retailers();
        let (reach, after) = (reach.clone(), after.unwrap_or_default().to_owned());
        let read = self.core.records.read(in_tx!(|tx, own, reach, after| {
            let mut names: BTreeSet<String> = known(tx).await?;
            names.extend(own);
            names.retain(|name| reach.has_retailer(name) && *name > after);
            let more = names.len() > limit as usize;
            let mut retailers = Vec::new();
            for name in names.into_iter().take(limit as usize) {
                retailers.push(view(tx, &name).await?);
            }
            let last = retailers.last().filter(|_| more);
            let next = last.map(|last| last.retailer.clone());
            Ok(RetailerPage { retailers, next })
        }));
        read.await
    }

    /// The retailers that have stores, and that this process does not know.
    pub async fn unknown(&self) -> Result<Vec<String>, Error> {
        let read = self
            .core
            .records
            .read(in_tx!(|tx| tx.store_retailer_list().await));
        let (mut unknown, known) = (read.await?, self.core.plugins.retailers());
        unknown.retain(|retailer| !known.contains(retailer));
        Ok(unknown)
    }

    /// The latest request for each retailer.
    pub async fn requested(&self) -> Result<Vec<ReloadRow>, Error> {
        let read = self.core.records.read(in_tx!(|tx| tx.reload_list().await));
        read.await
    }

    /// Records that a process starts, and how it loaded its retailers. It began to read their files `runs_for` ago, at
    /// `at` by its own clock.
    pub async fn begin(
        &self,
        host: &str,
        loads: Vec<RetailerLoad>,
        runs_for: Duration,
        at: Timestamp,
    ) -> Result<Begun, Error> {
        let host = host.to_owned();
        let write = self.core.records.write(in_tx!(|tx, host, loads| {
            tx.host_remove(&host).await?;
            let started_at = tx.host_seen(&host, runs_for).await?;
            let requests = tx.reload_list().await?.into_iter();
            let followed = requests.map(|request| {
                let is_new = request.recorded_at >= started_at;
                let generation = request.generation - i64::from(is_new);
                (request.retailer, generation)
            });
            let followed: BTreeMap<String, i64> = followed.collect();
            let loaded = loads.into_iter().map(|load| {
                let generation = followed.get(&load.retailer).copied().unwrap_or_default();
                // The first load of this retailer has not ended.
                let is_loading = load.state == LoadState::Loading;
                Loaded {
                    generation: (generation - i64::from(is_loading)).max(0),
                    load,
                    at,
                }
            });
            let loaded: Vec<Loaded> = loaded.collect();
            for row in rows(&host, loaded.clone()) {
                tx.load_put(&row).await?;
            }
            Ok((followed, loaded))
        }));
        let (followed, loaded) = write.await?;
        self.serve(&loaded);
        Ok(Begun { followed, loaded })
    }

    /// Sets the generations of the loads that succeeded, with which this process serves from now on.
    pub fn serve(&self, loaded: &[Loaded]) {
        for Loaded {
            generation, load, ..
        } in loaded
        {
            if load.state == LoadState::Serving {
                self.core.set_served(&load.retailer, *generation);
            }
        }
    }

    /// Records that a process runs, for `runs_for` so far.
    pub async fn renew(&self, host: &str, runs_for: Duration) -> Result<(), Error> {
        let host = host.to_owned();
        let write = self.core.records.write(in_tx!(|tx, host| {
            tx.host_seen(&host, runs_for).await?;
            tx.host_remove_unseen(FORGOTTEN).await
        }));
        write.await
    }

    /// Records what a process has loaded again.
    pub async fn record(&self, host: &str, loaded: Vec<Loaded>) -> Result<(), Error> {
        let rows: Vec<LoadRow> = rows(host, loaded).collect();
        let write = self.core.records.write(in_tx!(|tx, rows| {
            for row in &rows {
                tx.load_put(row).await?;
            }
            Ok(())
        }));
        write.await
    }

    /// Records that a process ends.
    pub async fn end(&self, host: &str) -> Result<(), Error> {
        let host = host.to_owned();
        let write = self
            .core
            .records
            .write(in_tx!(|tx, host| tx.host_remove(&host).await));
        write.await
    }

    /// Lets the schedules of a retailer that was loaded again be planned.
    pub fn plan_runs(&self) {
        self.core.run_wanted.notify();
    }
}

fn operation(retailer: &str, generation: i64, acting: &Acting, now: Timestamp) -> OperationRow {
    OperationRow {
        at: now,
        actor: acting.actor.clone(),
        action: "retailer_reload".into(),
        subject: format!("retailers:{retailer}"),
        reason: acting.reason.clone(),
        before: json!({ "generation": generation - 1 }).to_string(),
        after: json!({ "generation": generation }).to_string(),
    }
}

fn rows(host: &str, loaded: impl IntoIterator<Item = Loaded>) -> impl Iterator<Item = LoadRow> {
    let row = move |loaded: Loaded| {
        let Loaded {
            generation,
            mut load,
            at,
        } = loaded;
        if load.errors.len() > MAX_ERRORS {
            let more = load.errors.split_off(MAX_ERRORS).len();
            let hint = format!("and {more} more errors: `galleria check` lists all");
            load.errors.push(hint);
        }
        LoadRow {
            host: host.to_owned(),
            load,
            generation,
            at,
        }
    };
    loaded.into_iter().map(row)
}
