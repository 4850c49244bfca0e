//! Configuration of the HTTP API.

use crate::limits::RateConfig;
use crate::metrics::Metrics;
use crate::workers::Workers;
use galleria_ports::access::{Caller, Tokens};
use ipnet::IpNet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Limits and access of the HTTP API. The default does not limit clients; `host.toml` does.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Maximum size of a request body, in bytes. A basket of 2000 lines with two taxes each is 1 MB.
    pub max_body_bytes: usize,
    /// Maximum time for the head of a request, measured from the previous response or from the start of the
    /// connection.
    pub idle: Duration,
    /// Maximum time from the head of a request to its response, including reading the body.
    pub timeout: Duration,
    /// Limits of uploaded files.
    pub uploads: UploadConfig,
    /// How long `/readyz` fails before connections are refused, so that load balancers notice the drain.
    pub drain_notice: Duration,
    /// Maximum time for requests in flight after `drain_notice`.
    pub drain_within: Duration,
    /// Source of `/metrics`; `None` if metrics are served at another address.
    pub metrics: Option<Metrics>,
    /// The workers of this process: the host is ready only while all of them run.
    pub workers: Workers,
    /// The roles of the process, as probes report them. Without `api`, only probes and metrics are served.
    pub roles: Vec<String>,
    /// Rate limit of a client; `None` disables it.
    pub rate: Option<RateConfig>,
    /// Maximum number of open connections per client; 0 disables the limit.
    pub connections_per_client: usize,
    /// Proxies whose `X-Forwarded-For` header is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call the API (CORS).
    pub cors_origins: Vec<String>,
    /// Access without an API key.
    pub access: AccessConfig,
    /// The routes that are served.
    pub surface: Surface,
}

/// The routes of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Surface {
    /// All routes, if the process has the role `api`; otherwise probes and metrics.
    #[default]
    Api,
    /// The routes of a tax service, and probes.
    Taxes,
}

/// The role of a process that serves more than probes and metrics.
const API: &str = "api";

impl HttpConfig {
    /// Whether more than probes and metrics is served.
    pub(crate) fn serves_routes(&self) -> bool {
        self.surface == Surface::Taxes || self.serves_api()
    }

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
            surface: Surface::default(),
        }
    }
}

/// Limits of uploaded files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadConfig {
    /// Maximum size of a file, in bytes. A million products are about 120 MB.
    pub max_bytes: u64,
    /// Replaces `timeout` for routes that receive a file: 200 MB over a line of 10 Mbit/s take three minutes.
    pub timeout: Duration,
    /// Folder for unnamed temporary files; the system's temporary folder if `None`.
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

/// Access besides API keys.
#[derive(Clone, Debug, Default)]
pub struct AccessConfig {
    /// Routes that may be called without authentication, such as `GET /v1/stores`.
    pub anonymous: Vec<String>,
    /// Verifier of identity-provider tokens. If it is `None`, tokens are rejected.
    pub tokens: Option<Arc<dyn Tokens>>,
    /// The caller of requests without credentials, for a listener in an internal network; `None` rejects them.
    pub identity: Option<Caller>,
}
