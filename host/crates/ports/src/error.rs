//! The error of a use case.

use galleria_domain::{CallFault, JsonTextError, Problem};

/// Why a use case failed. All variants except `Records`, `Internal` and the causes of others may be shown to callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The object does not exist.
    #[error("there is no {what} {id}")]
    NotFound {
        /// The kind of object, such as `store` or `order`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The object already exists.
    #[error("{what} {id} already exists")]
    Exists {
        /// The kind of object, such as `order` or `payment`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The current state does not allow the request.
    #[error("{message}")]
    Conflict {
        /// A stable code, such as `shift_closed`.
        code: &'static str,
        /// The reason, one sentence.
        message: String,
    },
    /// The request is invalid.
    #[error("{}", join(.0))]
    Invalid(Vec<Problem>),
    /// Another document has the name.
    #[error("{directory}/{name} is the name of another document")]
    NameTaken {
        /// The directory.
        directory: String,
        /// The name in it.
        name: String,
    },
    /// Too many attempts; nothing was done.
    #[error("too many attempts")]
    Limited {
        /// The time until the next attempt is allowed.
        wait: std::time::Duration,
    },
    /// The caller stopped the work; nothing of it was stored.
    #[error("stopped; nothing was stored")]
    Stopped,
    /// A plugin failed.
    #[error("the plugin failed")]
    Plugin(CallFault),
    /// A service that the host calls failed.
    #[error("{message}")]
    Upstream {
        /// A stable code, such as `tax_service_unavailable`.
        code: &'static str,
        /// The service and what happened, one sentence for callers.
        message: String,
        /// The reason, for the log.
        #[source]
        cause: Option<UpstreamCause>,
        /// The time until another attempt may succeed, if it is known.
        retry_after: Option<std::time::Duration>,
    },
    /// A database or file operation failed; the source is the reason.
    #[error("{doing}")]
    Records {
        /// The operation that failed.
        doing: String,
        /// The reason.
        #[source]
        source: std::sync::Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A bug of the host.
    #[error("{0}")]
    Internal(String),
}

/// Why a service that the host calls failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct UpstreamCause(pub String);

/// The host itself creates the data of its events.
impl From<JsonTextError> for Error {
    fn from(error: JsonTextError) -> Self {
        Self::Internal(format!("the data of an event: {error}"))
    }
}

fn join(problems: &[Problem]) -> String {
    let all: Vec<_> = problems.iter().map(Problem::to_string).collect();
    all.join("; ")
}

impl Error {
    /// Creates an error for one invalid field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(field, message)])
    }

    /// Creates an error for a failed operation.
    pub fn records(
        doing: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Records {
            doing: doing.into(),
            source: std::sync::Arc::new(source),
        }
    }

    /// The error with all its sources in one line, for the log.
    pub fn chain(&self) -> String {
        use std::error::Error as _;
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        text
    }
}
