//! The worker that records how this process loads its retailers, loads them again when an operator requests it, and
//! records that this process runs.

use crate::loader::{Load, Loader, Loading};
use galleria_app::App;
use galleria_app::reloads::{Loaded, RENEW_EVERY};
use galleria_domain::retry::OUTAGE_PAUSE;
use galleria_ports::Error;
use galleria_ports::plugins::{LoadState, RetailerLoad};
use galleria_ports::records::ReloadRow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the requests are read, because another process may have recorded one.
const POLL: Duration = Duration::from_secs(1);

/// Loads retailers again.
pub struct Reloader {
    app: App,
    loader: Loader,
    /// The name of the process.
    host: String,
    /// The generation with which each retailer was loaded, or is being loaded.
    followed: BTreeMap<String, i64>,
    loading: Loading,
    /// Loads that are not recorded yet.
    unrecorded: Vec<Loaded>,
    /// When the process began to read the files of its retailers. The time of day may be changed while it runs.
    begun: Instant,
    renewed: Instant,
}

impl Reloader {
    /// Records that the process runs, and how it loaded its retailers. It began to read their files at `begun`, and
    /// still loads those in `loading`.
    pub async fn start(
        app: App,
        loader: Loader,
        loading: Loading,
        host: String,
        begun: Instant,
    ) -> anyhow::Result<Self> {
        let at = app.core.clock().now();
        let loads = app.core.plugins().loads().into_iter().map(|load| {
            // A load that ended just now is recorded with those that end later.
            match loading.contains(&load.retailer) {
                true => RetailerLoad {
                    retailer: load.retailer,
                    state: LoadState::Loading,
                    errors: Vec::new(),
                },
                false => load,
            }
        });
        let (loads, renewed) = (loads.collect(), Instant::now());
        let started = app.reloads.begin(&host, loads, begun.elapsed(), at).await?;
        app.operations.record_retailers(&host).await?;
        let reloader = Self {
            begun,
            renewed,
            app,
            loader,
            host,
            followed: started.followed,
            loading,
            unrecorded: Vec::new(),
        };
        reloader.record_plugins(&started.loaded).await?;
        Ok(reloader)
    }

    /// Works until `stop`. A load in progress is abandoned then.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut wanted = self.app.core.reload_wanted();
        loop {
            let passed = self.pass().await;
            if let Err(error) = &passed {
                tracing::error!(error = error.chain(), "reloads paused");
            }
            let pause = if passed.is_ok() { POLL } else { OUTAGE_PAUSE };
            tokio::select! {
                Some(load) = self.loading.next() => self.loaded(load),
                () = wanted.notified() => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => break,
            }
        }
        if let Err(error) = self.app.reloads.end(&self.host).await {
            tracing::warn!(error = error.chain(), "end of the process not recorded");
        }
    }

    /// Begins the loads that were requested, and records those that have ended.
    async fn pass(&mut self) -> Result<(), Error> {
        self.record().await?;
        let now = Instant::now();
        let is_due = now.duration_since(self.renewed) >= RENEW_EVERY;
        if is_due {
            let runs_for = now.duration_since(self.begun);
            self.app.reloads.renew(&self.host, runs_for).await?;
            self.renewed = now;
        }
        for request in self.app.reloads.requested().await? {
            let followed = self.followed.get(&request.retailer);
            if followed.is_none_or(|followed| *followed < request.generation)
                && !self.loading.contains(&request.retailer)
            {
                self.begin(request);
            }
        }
        match is_due {
            // After the requests: a requested retailer is being loaded.
            true => self.note_unknown().await,
            false => Ok(()),
        }
    }

    /// Notes retailers that have stores and that this process does not know, so that the status shows why their events
    /// wait.
    async fn note_unknown(&mut self) -> Result<(), Error> {
        for retailer in self.app.reloads.unknown().await? {
            if self.loading.contains(&retailer) {
                continue;
            }
            let load = self.loader.note_unknown(&retailer);
            let followed = self.followed.get(&retailer);
            self.unrecorded.push(Loaded {
                generation: followed.copied().unwrap_or_default(),
                load,
                at: self.app.core.clock().now(),
            });
        }
        Ok(())
    }

    fn begin(&mut self, request: ReloadRow) {
        let ReloadRow {
            retailer,
            generation,
            ..
        } = request;
        tracing::info!(retailer, generation, "reload started");
        if let Some(load) = self.loading.begin(&self.loader, &retailer, Load::Again) {
            // The requested load has not ended.
            self.unrecorded.push(Loaded {
                generation: generation - 1,
                load,
                at: self.app.core.clock().now(),
            });
        }
        self.followed.insert(retailer, generation);
    }

    fn loaded(&mut self, load: RetailerLoad) {
        let followed = self.followed.get(&load.retailer);
        let generation = followed.copied().unwrap_or_default();
        let at = self.app.core.clock().now();
        self.unrecorded.push(Loaded {
            generation,
            load,
            at,
        });
    }

    /// Lets the work that waited continue, and then records the loads: who waits for a record can rely on both.
    async fn record(&mut self) -> Result<(), Error> {
        if self.unrecorded.is_empty() {
            return Ok(());
        }
        self.record_plugins(&self.unrecorded).await?;
        self.app.reloads.serve(&self.unrecorded);
        self.app.events.wake_retailers().await?;
        self.app.reloads.plan_runs();
        let loaded = self.unrecorded.clone();
        self.app.reloads.record(&self.host, loaded).await?;
        self.unrecorded.clear();
        Ok(())
    }

    async fn record_plugins(&self, loaded: &[Loaded]) -> Result<(), Error> {
        let operations = &self.app.operations;
        let changed = operations.record_loaded_plugins(&self.host, loaded).await?;
        if !changed.is_empty() {
            tracing::info!(
                changed = changed.join(","),
                "plugins changed since they were loaded last, see `galleria operations list --action plugins_loaded`"
            );
        }
        Ok(())
    }
}
