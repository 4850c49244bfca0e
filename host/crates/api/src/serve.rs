//! The router put together, and serving it until told to stop.
//!
//! Owns: the bounds of the HTTP face and the order of a drain. Never knows: what a route does.

use crate::access::{self, AccessConfig, AccessError};
use crate::limits::{ClientLimitListener, RateConfig, Rates};
use crate::{Metrics, Workers, connections, edge, headers, openapi, problem};
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use galleria_app::App;
use ipnet::IpNet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Bounds of the HTTP face. Unless set, no client is counted: `host.toml` does so.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// No request body may be longer. A basket of 2000 lines with two taxes each is 1 MB.
    pub max_body_bytes: usize,
    /// How long a request's head may take, counted from the answer before it or the connection's begin.
    pub idle: Duration,
    /// From a request's head to its answer, reading of the body included.
    pub timeout: Duration,
    /// Bounds of files that are sent.
    pub uploads: UploadConfig,
    /// How long `/readyz` fails before connections are refused, so that whoever routes requests
    /// here has learned of it.
    pub drain_notice: Duration,
    /// How long requests in flight may take after that.
    pub drain_within: Duration,
    /// What `/metrics` tells; none where scrapes go elsewhere.
    pub metrics: Option<Metrics>,
    /// Who else works in this process: readiness needs all of them.
    pub workers: Workers,
    /// What the process is there for, as probes tell it. Without `api`, probes and metrics are all that
    /// is served.
    pub roles: Vec<String>,
    /// How often one client may ask; none counts nothing.
    pub rate: Option<RateConfig>,
    /// Connections that one client may have open; 0 counts none.
    pub connections_per_client: usize,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may ask.
    pub cors_origins: Vec<String>,
    /// Who is let in, beside those with a key.
    pub access: AccessConfig,
}

/// The role of a process that serves more than probes and metrics.
const API: &str = "api";

impl HttpConfig {
    pub(crate) fn serves_api(&self) -> bool {
        self.roles.iter().any(|role| role == API)
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            idle: Duration::from_secs(90),
            timeout: Duration::from_secs(30),
            uploads: UploadConfig::default(),
            drain_notice: Duration::from_secs(1),
            drain_within: Duration::from_secs(30),
            metrics: None,
            workers: Workers::default(),
            roles: vec![API.to_owned()],
            rate: None,
            connections_per_client: 0,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            access: AccessConfig::default(),
        }
    }
}

/// Bounds of files that are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadConfig {
    /// No file may be longer. A million products are some 120 MB.
    pub max_bytes: u64,
    /// As `timeout`, for routes that take a file: 200 MB through a line of 10 Mbit/s take three minutes.
    pub timeout: Duration,
    /// Where files are kept while they are read, without a name; the system's own place where none.
    pub folder: Option<PathBuf>,
}

impl Default for UploadConfig {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
            timeout: Duration::from_secs(600),
            folder: None,
        }
    }
}

/// What every handler may reach. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub app: App,
    pub config: Arc<HttpConfig>,
    pub draining: CancellationToken,
    pub openapi: Bytes,
    pub rates: Option<Arc<Rates>>,
    pub table: Arc<access::Table>,
}

/// All routes, with bounds, access, request ids and problems; it never drains.
pub fn router(app: App, config: HttpConfig) -> Result<Router, AccessError> {
    routed(app, config, CancellationToken::new())
}

fn routed(
    app: App,
    config: HttpConfig,
    draining: CancellationToken,
) -> Result<Router, AccessError> {
    let (routes, mut document) = openapi::routes().split_for_parts();
    let table = access::Table::new(&document, &config.access.anonymous)?;
    let too_often = config.rate.map(|rate| rate.status);
    let too_often = too_often.unwrap_or(problem::TOO_MANY_REQUESTS.status);
    openapi::complete(&mut document, too_often);
    let max_body_bytes = config.max_body_bytes;
    let rates = config.rate.and_then(Rates::new).map(Arc::new);
    let cors = headers::cors(&config.cors_origins);
    let state = ApiState {
        app,
        rates,
        table: Arc::new(table),
        config: Arc::new(config),
        draining,
        openapi: openapi::text(&document).into(),
    };
    let router = routes
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(from_fn_with_state(state.clone(), access::admit))
        .layer(from_fn_with_state(state.clone(), edge::edge))
        .with_state(state);
    Ok(match cors {
        // Outermost: a refusal, too, must be readable for the page that asked.
        Some(cors) => router.layer(cors),
        None => router,
    })
}

/// Serves until `shutdown`, then drains: `/readyz` fails first, then no connection is accepted,
/// and requests in flight are answered. Returns when that is done or has taken too long; what is
/// then left is cut off, and its caller asks again under the same key.
pub async fn serve(
    listener: TcpListener,
    app: App,
    config: HttpConfig,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let (notice, within) = (config.drain_notice, config.drain_within);
    let (most, proxies) = (
        config.connections_per_client,
        config.trusted_proxies.clone(),
    );
    let idle = config.idle;
    let listener = ClientLimitListener::new(listener, most, proxies);
    let router = routed(app, config, shutdown.clone()).map_err(std::io::Error::other)?;
    let accepting = shutdown.clone();
    let stop = async move {
        accepting.cancelled().await;
        tokio::time::sleep(notice).await;
    };
    let served = connections::served(listener, router, idle, stop);
    let too_long = async move {
        shutdown.cancelled().await;
        tokio::time::sleep(notice + within).await;
    };
    tokio::select! {
        () = served => Ok(()),
        () = too_long => {
            tracing::warn!(?within, "connections were still open when the time to drain was over");
            Ok(())
        }
    }
}
