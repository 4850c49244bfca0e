//! The recorder of metrics: one table, exported to Prometheus and to a StatsD agent.
//!
//! Owns: the recorder of the process, and when gauges are read from the database. Never knows what is
//! counted: that is `galleria_ports::metrics`.

use galleria_app::App;
use galleria_ports::metrics;
use metrics_exporter_dogstatsd::{DogStatsDBuilder, DogStatsDRecorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a scrape waits for the database. Metrics in memory are exported in any case.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval of moving recorded times into histograms if nothing scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(15);

/// Interval of reading gauges from the database for a StatsD agent, which does not scrape.
const GAUGE_INTERVAL: Duration = Duration::from_secs(10);

static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// A StatsD agent that receives metrics over UDP, in Datadog's format with tags. While it is away, only its
/// metrics are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsdConfig {
    /// Host and port.
    pub address: String,
    /// Prefix of every name, followed by a dot; no prefix if empty.
    pub prefix: String,
}

/// Why metrics cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Usually an invalid address.
    #[error("metrics.statsd: cannot send metrics to {address}: {source}")]
    Agent {
        /// Host and port.
        address: String,
        /// The error of the exporter.
        source: metrics_exporter_dogstatsd::BuildError,
    },
    /// An error in this program.
    #[error("cannot create the Prometheus recorder: {0}")]
    Scrapes(#[from] BuildError),
    /// Another library installed a recorder.
    #[error("the process already has another metrics recorder")]
    Taken,
}

/// The recorded metrics of the process. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    fresh_for: Duration,
    measured: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Starts recording, and sends the same metrics to the agent if there is one. The process has one
    /// recorder, the one of the first call. Gauges are read from the database at most once per `fresh_for`.
    pub fn record(fresh_for: Duration, agent: Option<&StatsdConfig>) -> Result<Self, RecordError> {
        let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = match &*recorder {
            Some(handle) => handle.clone(),
            None => {
                let works = Matcher::Full(metrics::COUNTED_IN_WORKS.into());
                let prometheus = PrometheusBuilder::new()
                    .set_buckets(metrics::SECONDS)?
                    .set_buckets_for_metric(works, metrics::WORKS)?
                    .build_recorder();
                let handle = prometheus.handle();
                let installed = match agent {
                    None => ::metrics::set_global_recorder(prometheus).is_ok(),
                    Some(agent) => {
                        let both = FanoutBuilder::default();
                        let both = both
                            .add_recorder(prometheus)
                            .add_recorder(statsd_recorder(agent)?);
                        ::metrics::set_global_recorder(both.build()).is_ok()
                    }
                };
                if !installed {
                    return Err(RecordError::Taken);
                }
                metrics::describe();
                recorder.insert(handle).clone()
            }
        };
        Ok(Self {
            handle,
            fresh_for,
            measured: Arc::default(),
        })
    }

    /// Bounds the memory of recorded times if nothing scrapes, until `stop`.
    pub async fn keep(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.handle.run_upkeep();
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(UPKEEP_INTERVAL) => {}
            }
        }
    }

    /// Reads gauges from the database for an agent, until `stop`.
    pub async fn keep_reading(self, app: App, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.measure(&app).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(GAUGE_INTERVAL) => {}
            }
        }
    }

    /// All metrics in Prometheus' text format.
    pub(crate) async fn text(&self, app: &App) -> String {
        self.measure(app).await;
        self.handle.render()
    }

    /// Reads gauges. Of concurrent scrapes, one queries the database and the others wait for it.
    async fn measure(&self, app: &App) {
        let mut measured = self.measured.lock().await;
        if measured.is_some_and(|at| at.elapsed() < self.fresh_for) {
            return;
        }
        let available = match tokio::time::timeout(DATABASE_TIMEOUT, app.operations.measure()).await
        {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(error = error.chain(), "reading gauges failed");
                false
            }
            Err(_) => {
                tracing::warn!(timeout = ?DATABASE_TIMEOUT, "reading gauges timed out");
                false
            }
        };
        metrics::database(available);
        *measured = Some(Instant::now());
    }
}

/// A recorder that sends to an agent.
fn statsd_recorder(agent: &StatsdConfig) -> Result<DogStatsDRecorder, RecordError> {
    let failed = |source| RecordError::Agent {
        address: agent.address.clone(),
        source,
    };
    let builder = DogStatsDBuilder::default().with_remote_address(&agent.address);
    // The exporter's own metrics are not in our table.
    let mut builder = builder.map_err(failed)?.with_telemetry(false);
    if !agent.prefix.is_empty() {
        builder = builder.set_global_prefix(agent.prefix.clone());
    }
    builder.build().map_err(failed)
}
