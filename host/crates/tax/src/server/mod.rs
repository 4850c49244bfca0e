//! The gRPC server: the tax service, the standard health service, and reflection.
//!
//! Owns: limits, access and errors of a call. Never knows: how a basket is evaluated, or how a table is stored.

mod caller;
mod calls;
mod deadline;
mod edge;
mod imports;
mod service;
mod status;

use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::tax_server::TaxServer as Generated;
use edge::{Edge, Shared};
use galleria_app::App;
use galleria_ports::access::{Caller, Tokens};
use service::TaxService;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The time between two checks of the database for the health service.
const CHECKED_EVERY: Duration = Duration::from_secs(5);

/// The maximum number of calls in flight on one connection.
const STREAMS: u32 = 256;

/// The time between two pings of an idle connection, so that connections of lost clients end.
const PING_EVERY: Duration = Duration::from_secs(60);

/// Limits and access of the server.
#[derive(Clone, Debug)]
pub struct TaxServerConfig {
    /// The maximum size of a message, in bytes.
    pub max_message_bytes: usize,
    /// The maximum time of a call. A client can send a shorter one.
    pub deadline: Duration,
    /// The same for imports.
    pub import_deadline: Duration,
    /// How long the health service fails before connections are refused, so that load balancers notice the drain.
    pub drain_notice: Duration,
    /// The maximum time for calls in flight after `drain_notice`.
    pub drain_within: Duration,
    /// The caller of calls without credentials; `None` rejects them.
    pub identity: Option<Caller>,
    /// The verifier of identity providers' tokens. If it is `None`, tokens are rejected.
    pub tokens: Option<Arc<dyn Tokens>>,
    /// `None` for connections without TLS.
    pub tls: Option<TlsFiles>,
}

/// The content of the PEM files for TLS. The key is never printed.
#[derive(Clone)]
pub struct TlsFiles {
    /// The certificate of the server, with its chain.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
    /// The authorities of client certificates; without them, clients need no certificate.
    pub client_ca: Option<Vec<u8>>,
}

impl fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsFiles").finish_non_exhaustive()
    }
}

/// Why TLS cannot be configured.
#[derive(Debug, thiserror::Error)]
#[error("the certificate and the key cannot be used for TLS")]
pub struct TlsError(#[source] tonic::transport::Error);

/// A configured server.
pub struct TaxServer {
    transport: Server,
    service: Edge,
    health: HealthReporter,
    app: App,
    notice: Duration,
    within: Duration,
}

impl TaxServer {
    /// Configures a server.
    pub fn new(app: App, config: TaxServerConfig) -> Result<Self, TlsError> {
        let mut transport = Server::builder()
            .max_concurrent_streams(STREAMS)
            .http2_keepalive_interval(Some(PING_EVERY));
        if let Some(tls) = &config.tls {
            transport = transport.tls_config(tls_config(tls)).map_err(TlsError)?;
        }
        let (health, health_service) = tonic_health::server::health_reporter();
        let tax = TaxService {
            app: app.clone(),
            max_message_bytes: config.max_message_bytes,
        };
        let tax = Generated::new(tax).max_decoding_message_size(config.max_message_bytes);
        let routes = Routes::new(tax).add_service(health_service);
        let routes = reflection(routes);
        let shared = Shared {
            app: app.clone(),
            identity: config.identity,
            tokens: config.tokens,
            deadline: config.deadline,
            import_deadline: config.import_deadline,
            max_message_bytes: config.max_message_bytes,
        };
        Ok(Self {
            transport,
            service: Edge {
                routes: routes.prepare(),
                shared: Arc::new(shared),
            },
            health,
            app,
            notice: config.drain_notice,
            within: config.drain_within,
        })
    }

    /// Serves until `shutdown`, then drains: first the health service fails, then no connection is accepted, then the
    /// calls in flight are answered. Returns when all are answered, or when the time elapses.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let (notice, within) = (self.notice, self.within);
        let health = keep_health(self.health, self.app, shutdown.clone(), notice);
        let stop = {
            let shutdown = shutdown.clone();
            async move {
                shutdown.cancelled().await;
                tokio::time::sleep(notice).await;
            }
        };
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let serving = self
            .transport
            .serve_with_incoming_shutdown(self.service, incoming, stop);
        let deadline = async move {
            shutdown.cancelled().await;
            tokio::time::sleep(notice + within).await;
        };
        tokio::select! {
            served = serving => if let Err(error) = served {
                tracing::error!(%error, "gRPC server stopped");
            },
            () = deadline => tracing::warn!(?within, "drain of the gRPC server timed out with open connections"),
            () = health => {}
        }
    }
}

/// Reports whether the database answers, and after the shutdown that the server does not serve. After `notice` it ends
/// the streams of clients that watch the health, because the drain waits for all calls. Never ends.
async fn keep_health(
    mut health: HealthReporter,
    app: App,
    shutdown: CancellationToken,
    notice: Duration,
) {
    const SERVICES: [&str; 2] = ["", "galleria.tax.v1.Tax"];
    loop {
        let serves = !shutdown.is_cancelled() && app.operations.check_database().await.is_ok();
        let status = match serves {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        for service in SERVICES {
            health.set_service_status(service, status).await;
        }
        if shutdown.is_cancelled() {
            tokio::time::sleep(notice).await;
            for service in SERVICES {
                health.clear_service_status(service).await;
            }
            return std::future::pending().await;
        }
        tokio::select! {
            () = tokio::time::sleep(CHECKED_EVERY) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

fn tls_config(tls: &TlsFiles) -> ServerTlsConfig {
    let identity = Identity::from_pem(&tls.certificate, &tls.key);
    let config = ServerTlsConfig::new().identity(identity);
    match &tls.client_ca {
        Some(authorities) => config.client_ca_root(Certificate::from_pem(authorities)),
        None => config,
    }
}

/// Adds reflection, in both versions that clients use.
fn reflection(routes: Routes) -> Routes {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    const VALID: &str = "the compiled files are valid";
    routes
        .add_service(builder().build_v1().expect(VALID))
        .add_service(builder().build_v1alpha().expect(VALID))
}

/// The text of a metadata value that occurs once.
fn text<'m>(metadata: &'m MetadataMap, name: &str) -> Option<&'m str> {
    metadata.get(name)?.to_str().ok()
}
