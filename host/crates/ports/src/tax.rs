//! The tax services of the platform, which evaluate baskets instead of this host.

use async_trait::async_trait;
use galleria_domain::Problem;
use galleria_domain::tax::{TaxRequest, TaxResponse, TaxRoute};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a service gets beside the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaxCall {
    /// Identifies an evaluation that the service records.
    pub idempotency_key: Option<String>,
    /// The number of tax services that the request has passed, this host included.
    pub hops: u32,
}

/// The services of the routes `grpc` and `http`.
#[async_trait]
pub trait TaxUpstreams: Send + Sync {
    /// Evaluates a basket with the service of a route. A request to record the evaluation is repeated only if it has
    /// an idempotency key.
    async fn evaluate(
        &self,
        route: TaxRoute,
        request: &TaxRequest,
        call: &TaxCall,
    ) -> Result<TaxResponse, TaxFault>;
    /// Connects to the service of a route, without an evaluation.
    async fn check(&self, route: TaxRoute) -> Result<(), TaxFault>;
    /// The configured services.
    fn upstreams(&self) -> Vec<TaxUpstream>;
}

/// Why a tax service did not evaluate a basket. The text is for callers; `cause` is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaxFault {
    /// This host has no address of the service.
    #[error("has no address on this host: set `address` in its section of host.toml")]
    NotConfigured,
    /// The service rejects the request.
    #[error("rejects the basket: {}", join(.0))]
    Rejected(Vec<Problem>),
    /// No connection, or the service reports that it cannot answer.
    #[error("is unavailable")]
    Unavailable {
        /// For the log.
        cause: String,
    },
    /// The service did not answer in time.
    #[error("did not answer within {limit:?}")]
    Timeout {
        /// The time that it had.
        limit: Duration,
    },
    /// The service failed repeatedly, so it is not called for a while.
    #[error("failed repeatedly and is not called for the next {} s", wait.as_secs_f64().ceil())]
    BreakerOpen {
        /// The time until the next call.
        wait: Duration,
    },
    /// The response violates a rule.
    #[error("returned an invalid response: {rule}")]
    InvalidResponse {
        /// The rule; for callers.
        rule: String,
        /// For the log.
        cause: String,
    },
    /// The service did not identify itself.
    #[error("has a certificate that this host does not trust")]
    Certificate {
        /// For the log.
        cause: String,
    },
}

fn join(problems: &[Problem]) -> String {
    let all: Vec<_> = problems.iter().map(Problem::to_string).collect();
    all.join("; ")
}

impl TaxFault {
    /// The outcome in metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Rejected(_) => "rejected",
            Self::Unavailable { .. } => "unavailable",
            Self::Timeout { .. } => "timeout",
            Self::BreakerOpen { .. } => "breaker_open",
            Self::InvalidResponse { .. } => "invalid_response",
            Self::Certificate { .. } => "certificate",
        }
    }

    /// The stable code for callers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured => "tax_route_not_configured",
            Self::Rejected(_) => "invalid",
            Self::Unavailable { .. } | Self::BreakerOpen { .. } => "tax_service_unavailable",
            Self::Timeout { .. } => "tax_service_timeout",
            Self::InvalidResponse { .. } => "tax_response_invalid",
            Self::Certificate { .. } => "tax_service_untrusted",
        }
    }

    /// The reason for the log, if the text does not contain it.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable { cause }
            | Self::InvalidResponse { cause, .. }
            | Self::Certificate { cause } => Some(cause),
            _ => None,
        }
    }

    /// The text with its reason, for the log and for operators.
    pub fn chain(&self) -> String {
        match self.cause().filter(|cause| !cause.is_empty()) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}

/// The state of a breaker, which stops calls of a service that fails repeatedly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// The service is called.
    #[default]
    Closed,
    /// One call finds out whether the service works again.
    HalfOpen,
    /// The service is not called.
    Open,
}

impl BreakerState {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// A tax service, as one process sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxUpstream {
    /// The route that it serves.
    pub route: TaxRoute,
    /// Its address.
    pub address: String,
    /// Whether this process calls it.
    pub breaker: BreakerState,
    /// The last failed call since the start of this process; null if none failed.
    pub last_failure: Option<TaxUpstreamFailure>,
}

/// A failed call of a tax service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxUpstreamFailure {
    /// Time, RFC 3339.
    pub at: String,
    /// What happened, such as `timeout` or `certificate`.
    pub kind: String,
    /// The reason, for operators.
    pub reason: String,
}
