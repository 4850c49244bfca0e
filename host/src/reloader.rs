//! The worker that loads retailers again when an operator requests it, and records that this process runs.

use crate::retailers::Retailers;
use galleria_app::App;
use galleria_app::reloads::{Loaded, RENEW_EVERY};
use galleria_domain::retry::OUTAGE_PAUSE;
use galleria_engine::Engine;
use galleria_ports::Error;
use galleria_ports::plugins::{LoadState, Plugins as _, RetailerLoad};
use galleria_ports::records::ReloadRow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the requests are read, because another process may have recorded one.
const POLL: Duration = Duration::from_secs(1);

/// Loads retailers again.
pub struct Reloader {
    app: App,
    retailers: Arc<Retailers>,
    engine: Engine,
    /// The name of the process.
    host: String,
    /// The generation with which each retailer was loaded.
    followed: BTreeMap<String, i64>,
    loading: JoinSet<(ReloadRow, Option<RetailerLoad>)>,
    /// The retailers that are being loaded.
    busy: BTreeSet<String>,
    /// Loads that are not recorded yet.
    unrecorded: Vec<Loaded>,
    /// When the process began to read the files of its retailers. The time of day may be changed while it runs.
    begun: Instant,
    renewed: Instant,
}

impl Reloader {
    /// Records that the process runs, and how it loaded its retailers. It began to read their files at
    /// `begun`.
    pub async fn start(
        app: App,
        retailers: Arc<Retailers>,
        engine: Engine,
        host: String,
        begun: Instant,
    ) -> anyhow::Result<Self> {
        let (loads, at) = (retailers.loads(), app.core.clock().now());
        for load in &loads {
            log(load);
        }
        let renewed = Instant::now();
        let followed = app.reloads.begin(&host, loads, begun.elapsed(), at).await?;
        let reloader = Self {
            begun,
            renewed,
            app,
            retailers,
            engine,
            host,
            followed,
            loading: JoinSet::new(),
            busy: BTreeSet::new(),
            unrecorded: Vec::new(),
        };
        reloader.record_plugins().await?;
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
                Some(done) = self.loading.join_next(), if !self.loading.is_empty() => match done {
                    Ok((request, load)) => self.loaded(request, load),
                    Err(error) => tracing::error!(%error, "reload ended"),
                },
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
        if now.duration_since(self.renewed) >= RENEW_EVERY {
            let runs_for = now.duration_since(self.begun);
            self.app.reloads.renew(&self.host, runs_for).await?;
            self.renewed = now;
        }
        for request in self.app.reloads.requested().await? {
            let followed = self.followed.get(&request.retailer);
            if followed.is_none_or(|followed| *followed < request.generation)
                && self.busy.insert(request.retailer.clone())
            {
                self.begin(request);
            }
        }
        Ok(())
    }

    /// Loads a retailer on a thread of its own: a compilation may take minutes, and the end of the process waits for
    /// the threads of the runtime.
    fn begin(&mut self, request: ReloadRow) {
        tracing::info!(
            retailer = request.retailer,
            generation = request.generation,
            "reload started"
        );
        let (retailers, engine) = (Arc::clone(&self.retailers), self.engine.clone());
        let (sender, receiver) = oneshot::channel();
        let name = request.retailer.clone();
        let load = move || drop(sender.send(retailers.reload(&engine, &name)));
        let thread = std::thread::Builder::new().name("reload".into());
        if let Err(error) = thread.spawn(load) {
            tracing::error!(%error, "thread of a reload not started");
        }
        // Without a thread, or after a panic, there is no sender.
        self.loading
            .spawn(async move { (request, receiver.await.ok()) });
    }

    fn loaded(&mut self, request: ReloadRow, load: Option<RetailerLoad>) {
        let ReloadRow {
            retailer,
            generation,
            ..
        } = request;
        self.busy.remove(&retailer);
        self.followed.insert(retailer.clone(), generation);
        let load = load.unwrap_or_else(|| RetailerLoad {
            state: match self.retailers.is_out_of_service(&retailer) {
                true => LoadState::OutOfService,
                false => LoadState::ReloadFailed,
            },
            retailer,
            errors: vec!["the reload crashed; the log of the process shows the reason".into()],
        });
        log(&load);
        if load.state == LoadState::Serving {
            tracing::info!(
                retailer = load.retailer,
                generation,
                "retailer loaded again"
            );
        }
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
        self.record_plugins().await?;
        self.app.events.wake_retailers().await?;
        self.app.reloads.plan_runs();
        let loaded = self.unrecorded.clone();
        self.app.reloads.record(&self.host, loaded).await?;
        self.unrecorded.clear();
        Ok(())
    }

    async fn record_plugins(&self) -> Result<(), Error> {
        let operations = &self.app.operations;
        let changed = operations.record_loaded_plugins(&self.host).await?;
        if !changed.is_empty() {
            tracing::info!(
                changed = changed.join(","),
                "plugins changed since they were loaded last, see `galleria operations list --action plugins_loaded`"
            );
        }
        Ok(())
    }
}

/// Logs a load that failed.
fn log(load: &RetailerLoad) {
    let (retailer, errors) = (&load.retailer, load.errors.join("; "));
    match load.state {
        LoadState::Serving => {}
        LoadState::OutOfService => {
            tracing::error!(
                retailer,
                "retailer out of service, its events wait: {errors}"
            );
        }
        LoadState::ReloadFailed => tracing::error!(
            retailer,
            "reload failed, the retailer serves with its previous configuration: {errors}"
        ),
    }
}
