//! Why a basket was not evaluated by a route.

use galleria_domain::Problem;
use galleria_domain::tax::TaxRoute;
use galleria_ports::tax::TaxFault;
use galleria_ports::{Error, UpstreamCause};

/// Why a basket was not evaluated by a route.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TaxFailure {
    /// The request is invalid, or this host failed.
    #[error(transparent)]
    Host(#[from] Error),
    /// The service of a route rejects the request, or failed.
    #[error("the tax service of the route {route} {fault}")]
    Service {
        /// The route.
        route: TaxRoute,
        /// What happened.
        fault: TaxFault,
    },
    /// The service of the store's route failed, and so did the store's fallback.
    #[error(
        "the tax service of the route {route} {fault}; the fallback {fallback} failed, too: {second}"
    )]
    Fallback {
        /// The route of the store.
        route: TaxRoute,
        /// What happened to its service.
        fault: TaxFault,
        /// The fallback of the store.
        fallback: TaxRoute,
        /// What happened to the fallback, for callers.
        second: String,
        /// The same for the log.
        chain: String,
    },
}

impl TaxFailure {
    /// Whether a service failed. If it rejects the request, another service would reject it as well.
    pub const fn is_of_service(&self) -> bool {
        match self {
            Self::Host(_) => false,
            Self::Service { fault, .. } => !matches!(fault, TaxFault::Rejected(_)),
            Self::Fallback { .. } => true,
        }
    }

    /// The outcome in metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Host(Error::Invalid(_) | Error::NotFound { .. }) => "rejected",
            Self::Host(_) => "failed",
            Self::Service { fault, .. } | Self::Fallback { fault, .. } => fault.name(),
        }
    }

    /// The failure with its reasons, for the log and for operators.
    pub fn chain(&self) -> String {
        match self {
            Self::Host(error) => error.chain(),
            Self::Service { route, fault } => {
                format!("the tax service of the route {route} {}", fault.chain())
            }
            Self::Fallback {
                route,
                fault,
                fallback,
                chain,
                ..
            } => {
                let fault = fault.chain();
                format!(
                    "the tax service of the route {route} {fault}; the fallback {fallback} failed, too: {chain}"
                )
            }
        }
    }

    pub(super) fn with_fallback(self, fallback: TaxRoute, second: Self) -> Self {
        let (text, chain) = match &second {
            // Callers may not see the reason.
            Self::Host(Error::Records { .. } | Error::Internal(_)) => {
                ("this host failed".to_owned(), second.chain())
            }
            _ => (second.to_string(), second.chain()),
        };
        match self {
            Self::Service { route, fault } => Self::Fallback {
                route,
                fault,
                fallback,
                second: text,
                chain,
            },
            other => other,
        }
    }
}

impl From<TaxFailure> for Error {
    fn from(failure: TaxFailure) -> Self {
        let (message, chain) = (failure.to_string(), failure.chain());
        let fault = match failure {
            TaxFailure::Host(error) => return error,
            TaxFailure::Service {
                route,
                fault: TaxFault::Rejected(problems),
            } => {
                let named = problems.into_iter().map(|problem| Problem {
                    message: format!("{} (tax service of the route {route})", problem.message),
                    ..problem
                });
                return Self::Invalid(named.collect());
            }
            TaxFailure::Service { fault, .. } | TaxFailure::Fallback { fault, .. } => fault,
        };
        let retry_after = match fault {
            TaxFault::BreakerOpen { wait } => Some(wait),
            _ => None,
        };
        Self::Upstream {
            code: fault.code(),
            cause: (chain != message).then_some(UpstreamCause(chain)),
            message,
            retry_after,
        }
    }
}
