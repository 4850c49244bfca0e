//! Loads the retailers of a process on threads of their own.

use crate::retailers::Retailers;
use galleria_config::Config;
use galleria_engine::Engine;
use galleria_ports::plugins::{LoadState, RetailerLoad};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

/// Retailers that are loaded at the same time. There are more than compilations at the same time, so that a retailer
/// whose components are compiled does not wait for the compilations of others.
const AT_ONCE: usize = 8;

/// Loads retailers. Cheap to clone.
#[derive(Clone)]
pub struct Loader {
    retailers: Arc<Retailers>,
    engine: Engine,
    permits: Arc<Semaphore>,
    /// Longest time of a load.
    timeout: Duration,
}

/// Which files a load reads.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// None: the process read them when it started.
    First,
    /// The files as they are now.
    Again,
}

impl Loader {
    pub fn new(retailers: Arc<Retailers>, engine: Engine, timeout: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        Self {
            retailers,
            engine,
            permits,
            timeout,
        }
    }

    /// Notes a retailer that has stores, and no folder that this process has read.
    pub fn note_unknown(&self, name: &str) -> RetailerLoad {
        let load = self.retailers.note_unknown(name);
        tracing::error!(
            retailer = name,
            "retailer unknown, its events wait: {}",
            load.errors.join("; ")
        );
        load
    }

    /// Loads a retailer, and logs the errors at once: a record of them needs the database.
    ///
    /// The thread does not belong to the runtime: a compilation may take minutes, and the end of the process waits for
    /// the threads of the runtime. If it exceeds the time limit, it is abandoned, and its result is ignored.
    async fn load(self, name: String, load: Load) -> RetailerLoad {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let begun = Instant::now();
        let (sender, receiver) = oneshot::channel();
        let (retailers, engine, retailer) = (self.retailers.clone(), self.engine, name.clone());
        let work = move || {
            let loaded = match load {
                Load::First => retailers.load_first(&engine, &retailer),
                Load::Again => retailers.load_again(&engine, &retailer),
            };
            drop(sender.send(loaded));
        };
        let failed = |reason: &str| self.retailers.load_failed(&name, reason);
        let done = match std::thread::Builder::new().name("load".into()).spawn(work) {
            Ok(_) => match tokio::time::timeout(self.timeout, receiver).await {
                Ok(Ok(loaded)) => self.retailers.replace(&name, loaded),
                Ok(Err(_)) => failed(
                    "the load crashed: the log of the process shows the reason; reload the retailer",
                ),
                Err(_) => failed(&format!(
                    "the load exceeded {:?}: its file system may not answer, or its components compile for too long; \
                     repair that, or raise compilation.load_timeout in host.toml, then reload the retailer",
                    self.timeout
                )),
            },
            Err(error) => failed(&format!(
                "no thread for the load: {error}; reload the retailer"
            )),
        };
        log(load, &done, begun.elapsed());
        done
    }
}

/// The loads in progress, at most one for each retailer.
#[derive(Default)]
pub struct Loading {
    tasks: JoinSet<RetailerLoad>,
    names: BTreeSet<String>,
}

impl Loading {
    /// Begins to load all retailers of the configuration.
    pub fn start(loader: &Loader, config: &Config) -> Self {
        let mut loading = Self::default();
        for retailer in &config.retailers {
            loading.begin(loader, &retailer.name, Load::First);
        }
        loading
    }

    /// Begins to load a retailer, unless it is being loaded. Returns the state of one that this process has not read
    /// before.
    pub fn begin(&mut self, loader: &Loader, name: &str, load: Load) -> Option<RetailerLoad> {
        if !self.names.insert(name.to_owned()) {
            return None;
        }
        let noted = loader.retailers.note_loading(name);
        self.tasks.spawn(loader.clone().load(name.to_owned(), load));
        noted
    }

    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Waits for the next load that ends, and returns it, or `None` if no load is in progress. No load is lost if the
    /// future is dropped.
    pub async fn next(&mut self) -> Option<RetailerLoad> {
        loop {
            match self.tasks.join_next().await? {
                Ok(load) => {
                    self.names.remove(&load.retailer);
                    return Some(load);
                }
                Err(error) => tracing::error!(%error, "load ended"),
            }
        }
    }

    /// Waits until all retailers are loaded.
    pub async fn all(&mut self) {
        while self.next().await.is_some() {}
    }

    /// Waits until all retailers are loaded, at most for `time`.
    pub async fn wait(&mut self, time: Duration) {
        if tokio::time::timeout(time, self.all()).await.is_err() {
            let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
            tracing::warn!(
                retailers = names.join(","),
                "serving although retailers are being loaded, their events wait"
            );
        }
    }
}

fn log(load: Load, done: &RetailerLoad, duration: Duration) {
    let (retailer, errors) = (&done.retailer, done.errors.join("; "));
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match done.state {
        LoadState::Loading | LoadState::Serving => match load {
            Load::First => tracing::info!(retailer, duration_ms, "retailer loaded"),
            Load::Again => tracing::info!(retailer, duration_ms, "retailer loaded again"),
        },
        LoadState::OutOfService => tracing::error!(
            retailer,
            duration_ms,
            "retailer out of service, its events wait: {errors}"
        ),
        LoadState::ReloadFailed => tracing::error!(
            retailer,
            duration_ms,
            "reload failed, the retailer serves with its previous configuration: {errors}"
        ),
    }
}
