//! The tax services that this host calls.

mod breaker;
mod config;
mod connection;
mod fault;
mod grpc;
mod http;
mod response;
mod upstream;

pub use config::{ConfigError, IdentityFiles, UpstreamConfig};

use async_trait::async_trait;
use galleria_domain::tax::{TaxRequest, TaxResponse, TaxRoute};
use galleria_ports::clock::Clock;
use galleria_ports::tax::{TaxCall, TaxFault, TaxUpstream, TaxUpstreams};
use grpc::GrpcTransport;
use http::HttpTransport;
use std::sync::Arc;
use upstream::{Transport, Upstream};

/// The tax services that this host calls.
pub struct Upstreams(Vec<Upstream>);

impl Upstreams {
    /// Creates the clients of the configured services. They connect when they are used.
    ///
    /// # Errors
    ///
    /// Returns an error if the file of an authority is invalid.
    pub fn new(
        configured: impl IntoIterator<Item = (TaxRoute, UpstreamConfig)>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let upstream = |(route, config): (TaxRoute, UpstreamConfig)| {
            let transport: Box<dyn Transport> = match route {
                TaxRoute::Grpc => Box::new(GrpcTransport::new(&config)?),
                TaxRoute::Http => Box::new(HttpTransport::new(&config)?),
                TaxRoute::Embedded => {
                    let message = "the route embedded has no tax service: remove its address";
                    return Err(ConfigError(message.into()));
                }
            };
            Ok(Upstream::new(route, config, transport, Arc::clone(clock)))
        };
        let all = configured.into_iter().map(upstream);
        Ok(Self(all.collect::<Result<_, _>>()?))
    }

    fn of(&self, route: TaxRoute) -> Result<&Upstream, TaxFault> {
        let found = self.0.iter().find(|one| one.route() == route);
        found.ok_or(TaxFault::NotConfigured)
    }
}

#[async_trait]
impl TaxUpstreams for Upstreams {
    async fn evaluate(
        &self,
        route: TaxRoute,
        request: &TaxRequest,
        call: &TaxCall,
    ) -> Result<TaxResponse, TaxFault> {
        self.of(route)?.evaluate(request, call).await
    }

    async fn check(&self, route: TaxRoute) -> Result<(), TaxFault> {
        self.of(route)?.check().await
    }

    fn upstreams(&self) -> Vec<TaxUpstream> {
        self.0.iter().map(Upstream::status).collect()
    }
}
