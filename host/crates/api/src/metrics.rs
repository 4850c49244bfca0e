//! What Prometheus reads, and what an agent of StatsD is sent: one table of metrics, recorded once.
//!
//! Owns: the one recorder of the process, and when the gauges are read anew from the database.
//! Never knows what is counted: that is `galleria_app::figures`.

use crate::problem::{NO_ROUTE, Problem};
use crate::response::ApiResult;
use crate::serve::ApiState;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use galleria_app::{App, figures};
use metrics_exporter_dogstatsd::{DogStatsDBuilder, DogStatsDRecorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long a scrape waits for the database; what is in memory is told nevertheless.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often what was timed is put into its ranges where nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(15);

static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// How often what stands in the database is read for an agent, which asks for nothing.
const READ_EVERY: Duration = Duration::from_secs(10);

/// An agent that metrics are sent to over UDP, in Datadog's form of StatsD with tags. One that is away
/// misses them, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsdConfig {
    /// Host and port.
    pub address: String,
    /// Stands before every name, with a dot between; none where it is empty.
    pub prefix: String,
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The agent's address, most likely.
    #[error("metrics cannot be sent to {address} (metrics.statsd): {source}")]
    Agent {
        /// Host and port.
        address: String,
        /// What is wrong with it.
        source: metrics_exporter_dogstatsd::BuildError,
    },
    /// A mistake of ours.
    #[error("metrics cannot be kept for scrapes: {0}")]
    Scrapes(#[from] BuildError),
    /// The process has a recorder of somebody else's.
    #[error("metrics are recorded elsewhere already")]
    Taken,
}

/// What the process has recorded. Clones share it.
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
    /// Records from now on, and sends the same to an agent where there is one; the whole process has one
    /// recorder, that of the first call. What stands in the database is read at most each time
    /// `fresh_for` has passed.
    pub fn record(fresh_for: Duration, agent: Option<&StatsdConfig>) -> Result<Self, RecordError> {
        let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = match &*recorder {
            Some(handle) => handle.clone(),
            None => {
                let works = Matcher::Full(figures::COUNTED_IN_WORKS.into());
                let scraped = PrometheusBuilder::new()
                    .set_buckets(figures::SECONDS)?
                    .set_buckets_for_metric(works, figures::WORKS)?
                    .build_recorder();
                let handle = scraped.handle();
                let installed = match agent {
                    None => metrics::set_global_recorder(scraped).is_ok(),
                    Some(agent) => {
                        let both = FanoutBuilder::default();
                        let both = both.add_recorder(scraped).add_recorder(sent(agent)?);
                        metrics::set_global_recorder(both.build()).is_ok()
                    }
                };
                if !installed {
                    return Err(RecordError::Taken);
                }
                figures::describe();
                recorder.insert(handle).clone()
            }
        };
        Ok(Self {
            handle,
            fresh_for,
            measured: Arc::default(),
        })
    }

    /// Keeps what was timed from growing in memory where nobody scrapes, until told to stop.
    pub async fn keep(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.handle.run_upkeep();
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(UPKEEP) => {}
            }
        }
    }

    /// Reads what stands in the database every now and then, for an agent, until told to stop.
    pub async fn keep_reading(self, app: App, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.measure(&app).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(READ_EVERY) => {}
            }
        }
    }

    async fn text(&self, app: &App) -> String {
        self.measure(app).await;
        self.handle.render()
    }

    /// Many may scrape at once: one of them asks the database, the others wait for it.
    async fn measure(&self, app: &App) {
        let mut measured = self.measured.lock().await;
        if measured.is_some_and(|at| at.elapsed() < self.fresh_for) {
            return;
        }
        let answers = match tokio::time::timeout(PATIENCE, app.measure()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!("gauges were not read: {}", error.chain());
                false
            }
            Err(_) => {
                tracing::warn!("gauges were not read within {PATIENCE:?}");
                false
            }
        };
        figures::database(answers);
        *measured = Some(Instant::now());
    }
}

/// A recorder that sends to an agent.
fn sent(agent: &StatsdConfig) -> Result<DogStatsDRecorder, RecordError> {
    let refused = |source| RecordError::Agent {
        address: agent.address.clone(),
        source,
    };
    let builder = DogStatsDBuilder::default().with_remote_address(&agent.address);
    // Its own figures are not in our table.
    let mut builder = builder.map_err(refused)?.with_telemetry(false);
    if !agent.prefix.is_empty() {
        builder = builder.set_global_prefix(agent.prefix.clone());
    }
    builder.build().map_err(refused)
}

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default().routes(routes!(metrics))
}

/// What Prometheus reads
///
/// Counters, times and gauges in Prometheus' text format. Where the host listens for scrapes at an
/// address of their own, this route answers 404.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses(
        (status = 200, description = "Everything that is recorded.", body = String,
            content_type = "text/plain",
            example = json!("# TYPE galleria_held_events gauge\ngalleria_held_events 0\n")),
        (status = 404, description = "`route_not_found`: scrapes go elsewhere.", body = crate::problem::Details, content_type = "application/problem+json"),
    ),
)]
async fn metrics(State(state): State<ApiState>) -> ApiResult<Response> {
    match &state.config.metrics {
        Some(metrics) => Ok(exposed(metrics.text(&state.app).await)),
        None => Err(Problem::new(NO_ROUTE, "/metrics is no route here")),
    }
}

fn exposed(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Serves `/metrics` alone, at an address of its own, until told to stop.
pub async fn serve_metrics(
    listener: TcpListener,
    app: App,
    metrics: Metrics,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let scrape =
        async |State((app, metrics)): State<(App, Metrics)>| exposed(metrics.text(&app).await);
    let router = Router::new()
        .route("/metrics", get(scrape))
        .with_state((app, metrics));
    let served = axum::serve(listener, router);
    tokio::select! {
        served = served.into_future() => served,
        () = stop.cancelled() => Ok(()),
    }
}
