//! The tax service of a process: its listeners for gRPC and HTTP.

use crate::listeners::listener_at;
use anyhow::Context as _;
use galleria_api::{AccessConfig, HttpConfig, Surface, UploadConfig, Workers};
use galleria_app::App;
use galleria_config::{HostConfig, TaxIdentity, TaxTls};
use galleria_files::SETTINGS_BYTES;
use galleria_ports::access::{Caller, Reach};
use galleria_tax::{TaxServer, TaxServerConfig, TlsFiles};
use std::path::Path;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The open listeners.
pub struct TaxListeners {
    grpc: Option<(TcpListener, TaxServer)>,
    http: Option<(TcpListener, HttpConfig)>,
    app: App,
}

impl TaxListeners {
    /// Opens the configured listeners.
    pub fn open(
        host_config: &HostConfig,
        app: &App,
        access: &AccessConfig,
    ) -> anyhow::Result<Self> {
        let (server, http) = (&host_config.tax.server, &host_config.http);
        let identity = caller(&server.identity);
        let tls = files(&server.tls)?;
        let grpc = match server.grpc_listen {
            None => None,
            Some(address) => {
                let config = TaxServerConfig {
                    max_message_bytes: server.max_message_bytes,
                    deadline: server.deadline,
                    import_deadline: server.import_deadline,
                    drain_notice: http.drain_notice,
                    drain_within: http.drain_within,
                    identity: identity.clone(),
                    tokens: access.tokens.clone(),
                    tls: tls.clone(),
                };
                let configured = TaxServer::new(app.clone(), config);
                let configured = configured.context("reading tax.server.tls")?;
                let setting = "tax.server.grpc_listen";
                let listener = listener_at(host_config, setting, address)?;
                tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), "tax gRPC listener started");
                Some((listener, configured))
            }
        };
        let http = match server.http_listen {
            None => None,
            Some(address) => {
                let config = HttpConfig {
                    max_body_bytes: http.body_limit_bytes,
                    idle: http.idle,
                    timeout: http.timeout,
                    uploads: UploadConfig {
                        folder: Some(host_config.data.clone()),
                        timeout: http.upload_timeout,
                        ..UploadConfig::default()
                    },
                    drain_notice: http.drain_notice,
                    drain_within: http.drain_within,
                    roles: vec!["tax".to_owned()],
                    access: AccessConfig {
                        anonymous: Vec::new(),
                        tokens: access.tokens.clone(),
                        identity,
                    },
                    surface: Surface::Taxes,
                    // The callers are few services of an internal network.
                    rate: None,
                    connections_per_client: 0,
                    ..HttpConfig::default()
                };
                let listener = listener_at(host_config, "tax.server.http_listen", address)?;
                tracing::info!(address = %listener.local_addr()?, "tax HTTP listener started");
                Some((listener, config))
            }
        };
        Ok(Self {
            grpc,
            http,
            app: app.clone(),
        })
    }

    /// Serves them until the process drains.
    pub fn serve(self, workers: &mut JoinSet<()>, watch: &Workers, close: &CancellationToken) {
        if let Some((listener, server)) = self.grpc {
            let at = address(&listener);
            let served = server.serve(listener, close.clone());
            workers.spawn(watch.watch("tax grpc", None, served));
            watch.describe("tax grpc", move || (false, at.clone()));
        }
        if let Some((listener, config)) = self.http {
            let at = address(&listener);
            let served = galleria_api::serve(listener, self.app, config, close.clone());
            workers.spawn(watch.watch("tax http", None, async move {
                if let Err(error) = served.await {
                    tracing::error!(%error, "tax HTTP listener stopped");
                }
            }));
            watch.describe("tax http", move || (false, at.clone()));
        }
    }
}

/// For the probes.
fn address(listener: &TcpListener) -> String {
    match listener.local_addr() {
        Ok(address) => format!("listens at {address}"),
        Err(error) => error.to_string(),
    }
}

/// The configured caller of calls without credentials.
fn caller(identity: &TaxIdentity) -> Option<Caller> {
    let reach = match identity.reaches_everything() {
        true => Reach::Everything,
        false => Reach::Some {
            retailers: identity.retailers.iter().cloned().collect(),
            stores: identity.stores.iter().cloned().collect(),
        },
    };
    (!identity.name.is_empty()).then(|| Caller {
        name: identity.name.clone(),
        log_name: identity.name.clone(),
        scope: identity.scope,
        reach,
    })
}

fn files(tls: &TaxTls) -> anyhow::Result<Option<TlsFiles>> {
    let read = |setting: &str, path: &Path| {
        galleria_files::read(path, SETTINGS_BYTES)
            .with_context(|| format!("reading {} (tax.server.tls.{setting})", path.display()))
    };
    let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) else {
        return Ok(None);
    };
    let client_ca = tls.client_ca.as_deref();
    Ok(Some(TlsFiles {
        certificate: read("certificate", certificate)?,
        key: read("key", key)?,
        client_ca: client_ca.map(|path| read("client_ca", path)).transpose()?,
    }))
}
